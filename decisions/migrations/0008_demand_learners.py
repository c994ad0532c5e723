"""Learning policies of prices: they learn demand."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("decisions", "0007_batches_and_supply")]

    operations = [
        migrations.AlterField(
            model_name="learner",
            name="kind",
            field=models.CharField(
                choices=[
                    ("beta", "Thompson sampling, one rate for each action"),
                    ("linear", "Thompson sampling, linear in features of the action"),
                    ("logistic", "Thompson sampling, logistic in features of the action"),
                    ("demand", "Thompson sampling of demand at each price of an item"),
                ],
                max_length=20,
                verbose_name="kind",
            ),
        )
    ]
