from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("models_registry", "0003_schedules_and_searches")]

    operations = [
        migrations.AddField(
            model_name="trainingschedule",
            name="drift_check",
            field=models.JSONField(blank=True, default=dict, editable=False, verbose_name="newest drift check"),
        ),
        migrations.AddConstraint(
            model_name="trainingrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["QUEUED", "RUNNING"])),
                fields=("schedule",),
                name="one_open_run_of_schedule",
            ),
        ),
    ]
