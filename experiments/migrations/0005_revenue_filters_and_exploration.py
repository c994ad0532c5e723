import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.db import migrations, models

APPEND_ONLY = """
CREATE TRIGGER filter_is_append_only BEFORE UPDATE OR DELETE ON experiments_filter
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
CREATE TRIGGER exploration_is_append_only BEFORE UPDATE OR DELETE ON experiments_exploratoryscorecard
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
"""

APPEND_ONLY_REVERSE = """
DROP TRIGGER filter_is_append_only ON experiments_filter;
DROP TRIGGER exploration_is_append_only ON experiments_exploratoryscorecard;
"""

DIMENSIONS = """
CREATE FUNCTION tiltyard_guard_dimensions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status NOT IN ('DRAFT', 'IN_REVIEW') AND NEW.dimensions IS DISTINCT FROM OLD.dimensions THEN
        RAISE EXCEPTION 'the design of an experiment is frozen at launch' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER dimensions_are_frozen BEFORE UPDATE ON experiments_experiment
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_dimensions();
"""

DIMENSIONS_REVERSE = """
DROP TRIGGER dimensions_are_frozen ON experiments_experiment;
DROP FUNCTION tiltyard_guard_dimensions();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('experiments', '0004_exposure_attributes'),
        ('foundation', '0002_append_only_and_partitions'),
    ]

    operations = [
        migrations.CreateModel(
            name='ExploratoryScorecard',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(verbose_name='number')),
                ('request', models.JSONField(verbose_name='asked for')),
                ('window_end', models.DateTimeField(verbose_name='data up to')),
                ('received_before', models.DateTimeField(verbose_name='received before')),
                ('content', models.TextField(verbose_name='content')),
                ('sha256', models.CharField(max_length=64)),
                ('requested_by', models.CharField(max_length=150, verbose_name='asked by')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
            ],
            options={
                'verbose_name': 'exploratory scorecard',
                'verbose_name_plural': 'exploratory scorecards',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Filter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64, validators=[django.core.validators.RegexValidator('^[a-z0-9][a-z0-9._-]{0,63}$', 'Use 1 to 64 lower-case letters, digits, dots, dashes or underscores, starting with a letter or digit.')], verbose_name='key')),
                ('version', models.PositiveIntegerField(default=1, editable=False, verbose_name='version')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('description', models.TextField(blank=True, default='', verbose_name='description')),
                ('kind', models.CharField(choices=[('BOT', 'Robots'), ('BRUSHING', 'Brushing (made-up orders)'), ('INTERNAL', 'Our own staff')], max_length=8, verbose_name='leaves out')),
                ('rule', models.CharField(choices=[('ATTRIBUTE', 'An attribute has one of these values'), ('EVENT_RATE', 'Too many events shortly before'), ('UNIT_LIST', 'The unit is on a list')], max_length=10, verbose_name='rule')),
                ('attribute', models.CharField(blank=True, default='', max_length=64, verbose_name='attribute')),
                ('values', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), blank=True, default=list, size=None, verbose_name='values')),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), blank=True, default=list, size=None, verbose_name='events')),
                ('hours', models.PositiveIntegerField(blank=True, null=True, verbose_name='hours before exposure')),
                ('limit', models.PositiveIntegerField(blank=True, null=True, verbose_name='most events')),
                ('active', models.BooleanField(default=False, help_text='Experiments that are launched from now on use it.', verbose_name='active')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='created')),
            ],
            options={
                'verbose_name': 'filter',
                'verbose_name_plural': 'filters',
                'ordering': ['key', '-version'],
            },
        ),
        migrations.AddField(
            model_name='experiment',
            name='dimensions',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, help_text='Attributes whose levels are compared in the readout, such as country.', size=None, verbose_name='dimensions'),
        ),
        migrations.AddField(
            model_name='metric',
            name='maturity_hours',
            field=models.PositiveIntegerField(default=0, help_text='How long after the window refunds and cancellations of its orders still count; a multiple of 24. Units are analysed only once it has passed.', verbose_name='hours for refunds'),
        ),
        migrations.AddConstraint(
            model_name='metric',
            constraint=models.CheckConstraint(condition=models.Q(('maturity_hours', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('maturity_hours'), '/', models.Value(24)), '*', models.Value(24))), ('maturity_hours__lte', 8760)), name='metric_maturity_is_whole_days'),
        ),
        migrations.AddField(
            model_name='exploratoryscorecard',
            name='experiment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='explorations', to='experiments.experiment', verbose_name='experiment'),
        ),
        migrations.AddField(
            model_name='filter',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='foundation.project', verbose_name='project'),
        ),
        migrations.AddConstraint(
            model_name='exploratoryscorecard',
            constraint=models.UniqueConstraint(fields=('experiment', 'number'), name='exploration_number'),
        ),
        migrations.AddConstraint(
            model_name='filter',
            constraint=models.UniqueConstraint(fields=('project', 'key', 'version'), name='filter_version'),
        ),
        migrations.AddConstraint(
            model_name='filter',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('attribute__gt', ''), ('rule', 'ATTRIBUTE'), ('values__len__gt', 0)), models.Q(('events__len__gt', 0), ('hours__gt', 0), ('limit__isnull', False), ('rule', 'EVENT_RATE')), ('rule', 'UNIT_LIST'), _connector='OR'), name='filter_rule_is_complete'),
        ),
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_REVERSE),
        migrations.RunSQL(DIMENSIONS, DIMENSIONS_REVERSE),
    ]
