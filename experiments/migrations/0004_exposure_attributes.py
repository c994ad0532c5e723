import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('experiments', '0003_external_units_written_in_bulk'),
        ('foundation', '0002_append_only_and_partitions'),
    ]

    operations = [
        migrations.AddField(
            model_name='firstexposure',
            name='attributes',
            field=models.JSONField(null=True),
        ),
        migrations.CreateModel(
            name='FilteredUnit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('filter_key', models.CharField(max_length=64, verbose_name='filter')),
                ('unit', models.TextField(verbose_name='unit')),
                ('received_at', models.DateTimeField(verbose_name='received')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='foundation.project', verbose_name='project')),
            ],
            options={
                'verbose_name': "unit on a filter's list",
                'verbose_name_plural': "units on filters' lists",
                'constraints': [models.UniqueConstraint(fields=('project', 'filter_key', 'unit'), name='filtered_unit_once')],
            },
        ),
    ]
