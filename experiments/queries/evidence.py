"""Digests and counts of a project's evidence, to show that a rebuild changed nothing."""

import hashlib
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """Row counts of a project's evidence, and digests over every column of every row but surrogate ids."""

    exposures: int
    outcomes: int
    quarantined: int
    exposures_digest: str
    outcomes_digest: str
    quarantine_digest: str
    links: int = 0
    links_digest: str = ""


_EXPOSURES = """
SELECT count(*), coalesce(string_agg(md5(f::text), '' ORDER BY md5(f::text)), '')
FROM experiments_firstexposure f JOIN experiments_experiment e ON e.id = f.experiment_id WHERE e.project_id = %s
"""

_OUTCOMES = """
SELECT count(*), coalesce(string_agg(md5(o::text), '' ORDER BY day, message_id, line), '')
FROM experiments_outcome o WHERE project_id = %s
"""

_QUARANTINE = """
SELECT count(*), coalesce(string_agg(md5((reference, reason, detail, payload, received_at)::text), ''
    ORDER BY reference, reason), '')
FROM experiments_quarantine WHERE project_id = %s AND origin = 'EVENT'
"""

_LINKS = """
SELECT count(*), coalesce(string_agg(md5((customer, visitor, linked_at, received_at, message_id)::text), ''
    ORDER BY customer, visitor), '')
FROM experiments_identitylink WHERE project_id = %s
"""


def evidence_facts(project_id: int) -> EvidenceFacts:
    """Return the counts and digests of the project's exposures, outcomes, quarantined events and identity links."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
        found = []
        for statement in (_EXPOSURES, _OUTCOMES, _QUARANTINE, _LINKS):
            cursor.execute(statement, [project_id])
            count, text = cursor.fetchone()
            found.append((count, hashlib.sha256(text.encode()).hexdigest()))
    (exposures, first), (outcomes, second), (quarantined, third), (links, fourth) = found
    return EvidenceFacts(exposures, outcomes, quarantined, first, second, third, links, fourth)


def observed_keys(project_id: int) -> list[tuple[int, str]]:
    """Return (id, key) of the project's own experiments that have scorecards, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, key FROM experiments_experiment e WHERE project_id = %s AND source = 'OWN'"
            " AND EXISTS (SELECT 1 FROM experiments_scorecard s WHERE s.experiment_id = e.id) ORDER BY id",
            [project_id],
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]
