"""What has been ordered since the last counts: those do not have it on order, and it must not be ordered once more."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from foundation.money import MICROS

LONGEST: Final = timedelta(days=90)
"""How old an order may be to be added: an older count says nothing of what is there anyway."""

Floats = npt.NDArray[np.float64]

_PLACED: Final = """
SELECT counted.place, sum(coalesce(decided.applied, decided.value))::double precision
FROM decisions_decisionbatch batch
JOIN decisions_decisionpoint point ON point.id = batch.point_id
JOIN decisions_batchdecision decided ON decided.batch_id = batch.id
JOIN unnest(%(subjects)s::text[], %(counted)s::double precision[]) WITH ORDINALITY AS counted(subject, at, place)
    ON counted.subject = decided.subject
WHERE point.project_id = %(project)s AND point.domain = %(domain)s
    AND batch.made_at < %(until)s AND batch.takes_effect_at >= %(since)s
    AND batch.takes_effect_at >= to_timestamp(counted.at)
    AND decided.state <> 'FAILED' AND coalesce(decided.applied, decided.value) > 0
GROUP BY counted.place
"""


def pieces_placed(
    project_id: int, domain_key: str, *, subjects: Sequence[str], counted_at: Floats, at: datetime
) -> Floats:
    """Return the pieces that batches made before a project time order of each subject after its last count.

    counted_at: seconds since 1970, as long as subjects. Orders count as they were decided until the shop says
    otherwise, as in the books: `overridden` with what it did, `failed` as nothing.
    """
    found = np.zeros(len(subjects), np.float64)
    if not len(subjects):
        return found
    asked = {
        "project": project_id,
        "domain": domain_key,
        "subjects": list(subjects),
        "counted": counted_at.tolist(),
        "until": at,
        "since": max(at - LONGEST, datetime.fromtimestamp(float(counted_at.min()), at.tzinfo)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_PLACED, asked)
        for place, pieces in cursor.fetchall():
            found[place - 1] = pieces / MICROS
    return found
