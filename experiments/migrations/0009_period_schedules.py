import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('experiments', '0007_flags_identities_and_periods'),
    ]

    operations = [
        migrations.AddField(
            model_name='experiment',
            name='periods_from',
            field=models.DateTimeField(editable=False, null=True, verbose_name='first period begins'),
        ),
        migrations.AddConstraint(
            model_name='experiment',
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ('period_minutes__isnull', True),
                    ('started_at__isnull', True),
                    ('periods_from__isnull', False),
                    _connector='OR',
                ),
                name='experiment_periods_begin_when_it_runs',
            ),
        ),
        migrations.CreateModel(
            name='PeriodSchedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('units', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None, verbose_name='units')),
                ('periods', models.PositiveIntegerField(verbose_name='periods')),
                ('made_at', models.DateTimeField(verbose_name='made')),
                ('experiment', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='schedule', to='experiments.experiment', verbose_name='experiment')),
            ],
            options={
                'verbose_name': 'schedule',
                'verbose_name_plural': 'schedules',
                'constraints': [models.CheckConstraint(condition=models.Q(('periods__gt', 0)), name='schedule_has_periods')],
            },
        ),
        migrations.RunSQL(
            'ALTER TABLE experiments_outcome ADD COLUMN cluster text',
            'ALTER TABLE experiments_outcome DROP COLUMN cluster',
        ),
    ]
