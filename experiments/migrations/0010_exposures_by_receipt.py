import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('experiments', '0009_period_schedules'),
        ('foundation', '0002_append_only_and_partitions'),
    ]

    operations = [
        migrations.AlterField(
            model_name='firstexposure',
            name='experiment',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='experiments.experiment'),
        ),
        migrations.AlterField(
            model_name='identitylink',
            name='project',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='foundation.project', verbose_name='project'),
        ),
        migrations.AddIndex(
            model_name='firstexposure',
            index=models.Index(fields=['experiment', 'received_at'], name='exposure_received'),
        ),
        migrations.AddIndex(
            model_name='identitylink',
            index=models.Index(fields=['project', 'received_at'], name='identity_received'),
        ),
    ]
