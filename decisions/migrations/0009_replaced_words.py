"""What the shop had said of decisions before it said something else; prices that end are found by when they do."""

import django.db.models.deletion
from django.db import migrations, models

STATES = [
    ("PENDING", "Not acknowledged"),
    ("APPLIED", "Applied"),
    ("OVERRIDDEN", "Overridden"),
    ("FAILED", "Failed"),
]


class Migration(migrations.Migration):
    dependencies = [("decisions", "0008_demand_learners")]

    operations = [
        migrations.CreateModel(
            name="ReplacedWord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=401, verbose_name="subject")),
                ("state", models.CharField(choices=STATES, max_length=10, verbose_name="state")),
                ("told_at", models.DateTimeField(verbose_name="acknowledged")),
                ("replaced_at", models.DateTimeField(verbose_name="replaced")),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="decisions.decisionbatch",
                    ),
                ),
            ],
            options={
                "verbose_name": "replaced acknowledgement",
                "verbose_name_plural": "replaced acknowledgements",
            },
        ),
        migrations.AddConstraint(
            model_name="replacedword",
            constraint=models.UniqueConstraint(fields=("batch", "subject", "told_at"), name="replaced_word_once"),
        ),
        migrations.AddConstraint(
            model_name="replacedword",
            constraint=models.CheckConstraint(
                condition=models.Q(("replaced_at__gt", models.F("told_at"))), name="replaced_word_held"
            ),
        ),
        migrations.AddIndex(
            model_name="priceoffer",
            index=models.Index(fields=["project", "valid_until"], name="price_offer_until"),
        ),
    ]
