from django.db import migrations

SUGGESTIONS = (
    {
        "key": "declared-robots",
        "name": "Robots that say so",
        "description": (
            "Visitors that the shop itself knows to be robots. The shop sends the attribute is_bot with its exposures."
        ),
        "kind": "BOT",
        "rule": "ATTRIBUTE",
        "attribute": "is_bot",
        "values": ["true"],
    },
    {
        "key": "robot-browsers",
        "name": "Robots by their browser",
        "description": (
            "Visitors whose browser names itself a robot. The shop sends the attribute user_agent_class with its "
            "exposures."
        ),
        "kind": "BOT",
        "rule": "ATTRIBUTE",
        "attribute": "user_agent_class",
        "values": ["bot", "crawler", "spider"],
    },
    {
        "key": "busy-robots",
        "name": "Robots by their haste",
        "description": "Visitors who looked at more products in a day than a person can.",
        "kind": "BOT",
        "rule": "EVENT_RATE",
        "events": ["Product Viewed"],
        "hours": 24,
        "limit": 500,
    },
    {
        "key": "brushing",
        "name": "Brushing: many orders at once",
        "description": "Visitors who placed more orders in a day than shoppers do: orders made up for rank.",
        "kind": "BRUSHING",
        "rule": "EVENT_RATE",
        "events": ["Order Completed"],
        "hours": 24,
        "limit": 10,
    },
    {
        "key": "staff",
        "name": "Our own staff",
        "description": "Units on a list that your servers or operators send; see the documentation.",
        "kind": "INTERNAL",
        "rule": "UNIT_LIST",
    },
)


def suggest(apps, schema_editor):
    """Give projects that were made before filters existed the suggestions that new ones begin with, switched off."""
    filters = apps.get_model("experiments", "Filter").objects.using(schema_editor.connection.alias)
    projects = apps.get_model("foundation", "Project").objects.using(schema_editor.connection.alias)
    known = set(filters.values_list("project_id", flat=True))
    for project in projects.exclude(pk__in=known).order_by("pk"):
        filters.bulk_create(filters.model(project_id=project.pk, **suggestion) for suggestion in SUGGESTIONS)


class Migration(migrations.Migration):
    """Going back leaves the rows: an experiment may have been launched with one, and the table refuses deletion."""

    dependencies = [
        ('experiments', '0005_revenue_filters_and_exploration'),
        ('foundation', '0002_append_only_and_partitions'),
    ]

    operations = [migrations.RunPython(suggest, migrations.RunPython.noop)]
