from django.db import migrations

EVENT_LOG = """
CREATE TABLE decisions_eventlog (
    project_id bigint NOT NULL,
    day date NOT NULL,
    message_id text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    event text,
    occurred_at timestamptz,
    corrected_at timestamptz,
    visitor text,
    customer text,
    session text,
    item text,
    store text,
    properties jsonb NOT NULL DEFAULT '{}',
    enrolments jsonb,
    PRIMARY KEY (project_id, day, message_id)
) PARTITION BY RANGE (day);
CREATE INDEX decisions_eventlog_received ON decisions_eventlog (project_id, received_at);
"""


class Migration(migrations.Migration):
    dependencies = [("decisions", "0001_initial"), ("foundation", "0002_append_only_and_partitions")]

    operations = [migrations.RunSQL(EVENT_LOG, "DROP TABLE decisions_eventlog")]
