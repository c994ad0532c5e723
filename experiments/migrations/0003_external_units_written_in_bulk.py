import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('experiments', '0002_lifecycle_and_outcomes'),
    ]

    operations = [
        migrations.AlterField(
            model_name='externalunit',
            name='experiment',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='experiments.experiment'),
        ),
        migrations.AlterField(
            model_name='externalunit',
            name='shown_variant',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='experiments.variant'),
        ),
        migrations.AlterField(
            model_name='externalunit',
            name='variant',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='experiments.variant'),
        ),
    ]
