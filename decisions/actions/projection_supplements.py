"""What the projector adds to outcomes from other tables than the log: clusters of items, and contributions of lines.

Both ask for the state at the time of the message, so that a rebuild finds the same. Each row asks an index: how many
rows the other tables have is nothing that a plan must guess.
"""

from typing import Final

from decisions.actions import projection_sql as sql
from experiments.vocabulary import BOOKED_LINE, CONTRIBUTION_BOOKED

# The last row that began by then is found by the whole of its index, also where nothing is known of the table's size.
_THEN: Final = """
    SELECT CASE WHEN newest.item_id = {of}.item AND newest.project_id = %(project)s
        AND (newest.valid_until IS NULL OR {of}.known_at < newest.valid_until) THEN newest.{wanted} END AS {wanted}
    FROM (
        SELECT * FROM {table} known
        WHERE (known.project_id, known.item_id, known.valid_from) <= (%(project)s, {of}.item, {of}.known_at)
        ORDER BY known.project_id DESC, known.item_id DESC, known.valid_from DESC LIMIT 1
    ) newest
"""
_CLUSTER: Final = _THEN.format(wanted="cluster", table="decisions_itemcluster", of="incoming_line")
_COST: Final = _THEN.format(wanted="cost", table="decisions_itemcost", of="sold")

# What a message says of its cluster holds.
OUTCOMES_IN_CLUSTERS: Final = sql.OUTCOMES.replace(
    "item, store, cluster,", f"item, store, coalesce(cluster, ({_CLUSTER})) AS cluster,"
)

# value = sign x (price x share - cost) x pieces, for each line of an order or a refund whose item has a cost at that
# time, and for an order, a refund or a cancellation as a whole where it has one item and no lines. share: where the
# whole is worth less than its lines together (a voucher, tax within the prices), each line bears its part of that.
# A line without a price has none; nor has one whose amount is beyond what can be stored.
CONTRIBUTIONS: Final = f"""
INSERT INTO incoming_outcome (day, message_id, line, event, occurred_at, known_at, received_at, is_history, replayed,
    visitor, customer, session, item, store, cluster, value, quantity, pieces, order_id)
SELECT day, message_id, {BOOKED_LINE} + line, '{CONTRIBUTION_BOOKED}', occurred_at, known_at, received_at, is_history,
    replayed, visitor, customer, session, item, store, cluster,
    round(
        value * CASE WHEN line > 0 AND abs(worth) < abs(listed) THEN greatest(worth / listed, 0) ELSE 1 END
        - CASE event WHEN 'Order Completed' THEN 1 ELSE -1 END * paid.cost * pieces
    ),
    quantity, pieces, order_id
FROM (
    SELECT *, max(value) FILTER (WHERE line = 0) OVER message AS worth,
        sum(value) FILTER (WHERE line > 0) OVER message AS listed
    FROM incoming_outcome
    WHERE event IN ('Order Completed', 'Order Refunded', 'Order Cancelled') AND fault IS NULL
    WINDOW message AS (PARTITION BY day, message_id)
) sold, LATERAL ({_COST}) paid
WHERE abs(value) + abs(paid.cost * pieces) <= 9000000000000000000
"""  # noqa: S608 - constants of the vocabulary and of this module
