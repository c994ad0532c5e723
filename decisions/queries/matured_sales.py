"""What a learning policy of prices may learn from: how long its prices held, and what was ordered of each meanwhile."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
import numpy as np
from django.db import connection

from decisions.domain import Interaction, PolicyKind
from decisions.learning.batches import Batch
from decisions.queries.learners import LearnerFacts
from decisions.queries.matured import Matured
from decisions.queries.rewards_sql import NUMBER
from foundation.queries import project_facts

ROWS_AT_ONCE: Final = 20_000
DAY: Final = 86_400.0

_Row = tuple[str, float, float, str | None, bool, str | None]

# A decision holds from when its batch takes effect until the next batch of the point does, and while the ledger offers
# what was decided: a price that the shop has set itself meanwhile, or has said that it asks instead, ends it.
# An order counts once, by its own id, as it was received first; a day more is read, for what was told before that.
_SOLD = """
WITH batch AS (
    SELECT id, made_at, takes_effect_at,
        lead(takes_effect_at, 1, 'infinity') OVER (ORDER BY takes_effect_at, id) AS ends_at
    FROM decisions_decisionbatch WHERE point_id = %(point)s AND takes_effect_at < %(end)s
), held AS MATERIALIZED (
    SELECT made.decision_id, made.subject, batch.made_at,
        greatest(batch.takes_effect_at, offer.valid_from, %(start)s) AS since,
        least(batch.ends_at, coalesce(offer.valid_until, 'infinity'), %(end)s) AS until
    FROM batch JOIN decisions_batchdecision made ON made.batch_id = batch.id
    JOIN decisions_priceoffer offer ON offer.project_id = %(project)s AND offer.item_id = made.subject
        AND offer.price = made.value AND offer.valid_from < batch.ends_at
        AND (offer.valid_until IS NULL OR offer.valid_until > batch.takes_effect_at)
    WHERE batch.ends_at > %(start)s
), chosen AS MATERIALIZED (
    SELECT held.subject, held.since, held.until, held.decision_id, log.properties
    FROM held JOIN decisions_eventlog log ON log.project_id = %(project)s AND log.message_id = held.decision_id
        AND log.day = (held.made_at AT TIME ZONE 'UTC')::date AND log.kind = 'decision'
    WHERE held.until > held.since AND log.properties->>'learner' = %(learner)s
), told AS (
    SELECT corrected_at AS at, properties, row_number() OVER (
        PARTITION BY coalesce(properties->>'order_id', message_id) ORDER BY received_at, message_id, day
    ) AS place
    FROM decisions_eventlog
    WHERE project_id = %(project)s AND day BETWEEN %(start)s::date - 2 AND %(end)s::date + 1
        AND kind = 'track' AND event = %(event)s AND received_at <= %(received_before)s
        AND coalesce(properties->>'currency', %(currency)s) = %(currency)s
        AND corrected_at >= %(start)s - interval '1 day' AND corrected_at < %(end)s
), line AS (
    SELECT listed.line->>'product_id' AS item, told.at, coalesce(listed.line->>'quantity', '1') AS quantity
    FROM told, jsonb_array_elements(
        CASE WHEN jsonb_typeof(properties->'products') = 'array' THEN properties->'products' ELSE '[]' END
    ) AS listed(line)
    WHERE told.place = 1 AND told.at >= %(start)s
), piece AS MATERIALIZED (
    SELECT item, at, quantity::float8 AS quantity
    FROM (SELECT * FROM line WHERE item IS NOT NULL AND quantity ~ %(number)s OFFSET 0) readable
)
SELECT chosen.subject, extract(epoch FROM chosen.until - chosen.since)::float8,
    coalesce(sum(piece.quantity) FILTER (WHERE piece.quantity > 0), 0)::float8,
    chosen.properties->>'policy', coalesce(chosen.properties->>'holdback', 'false') = 'true',
    (chosen.properties->'features')::text
FROM chosen LEFT JOIN piece ON piece.item = chosen.subject AND piece.at >= chosen.since AND piece.at < chosen.until
GROUP BY chosen.subject, chosen.since, chosen.until, chosen.decision_id, chosen.properties
ORDER BY chosen.since, chosen.subject
"""

_read = msgspec.json.Decoder().decode


def matured_sales(learner: LearnerFacts, *, since: datetime, until: datetime, received_before: datetime) -> Matured:
    """Return what a policy's prices sold in [since, until), project time; in an open transaction.

    Each stretch in which one price of an item held is a row, whenever it was decided: its reward are the pieces that
    were ordered of the item, `days` how long it held. So what a price sells is learnt from as it is sold, and a price
    that holds on over several updates is in each of them with its part. Rows of the holdback are counted, not learnt
    from, as are those that the baseline decided in place of the policy.
    """
    width = len(learner.scheme().features)
    counts: Counter[str] = Counter()
    places: dict[str, int] = {}
    items, pieces, days, features = [], [], [], [np.zeros((0, width))]
    for item, seconds, sold, policy, is_held_back, said in _rows(learner, since, until, received_before):
        counts["decisions"] += 1
        side = "holdback" if is_held_back else "served"
        counts[side] += 1
        counts[f"{side}_rewarded"] += sold > 0.0
        counts["happened"] += round(sold)
        if is_held_back or policy != PolicyKind.LEARNED:
            counts["fallback"] += not is_held_back
            continue
        items.append(places.setdefault(item, len(places)))
        pieces.append(sold)
        days.append(seconds / DAY)
        features.append(_features(said, width))
    names = ("decisions", "served", "served_rewarded", "holdback", "holdback_rewarded", "fallback", "happened")
    batch = Batch(
        items=np.array(items, dtype=np.int32),
        positions=np.zeros(len(items), dtype=np.int32),
        rewards=np.array(pieces, dtype=np.float64),
        features=np.concatenate(features),
        item_ids=tuple(places),
        days=np.array(days, dtype=np.float64),
    )
    return Matured(batch, {name: counts[name] for name in names})


def _rows(learner: LearnerFacts, since: datetime, until: datetime, received_before: datetime) -> Iterator[_Row]:
    """Yield (item, seconds, pieces, policy, whether it is held back, features) of every stretch, in their order."""
    parameters: dict[str, Any] = {
        "project": learner.project_id,
        "point": learner.point_id,
        "learner": str(learner.id),
        "start": since,
        "end": until,
        "received_before": received_before,
        "event": Interaction.ORDER.value,
        "currency": project_facts(learner.project_id).currency,
        "number": NUMBER,
    }
    with connection.chunked_cursor() as cursor:
        cursor.execute(_SOLD, parameters)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield from rows


def _features(text: str | None, width: int) -> np.ndarray:
    """Return the features of the one price that was chosen, 1 x width, NaN where the log has none such."""
    try:
        said: Any = np.array(_read(text or "null"), dtype=np.float64)
    except (TypeError, ValueError):
        said = None
    if said is None or said.shape != (1, width):
        return np.full((1, width), np.nan)
    found: np.ndarray = said
    return found
