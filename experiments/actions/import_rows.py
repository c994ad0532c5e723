"""What was read from a recorded experiment, written to its tables in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence

from django.db import connection

from experiments.models import ExternalAggregate, Quarantine
from experiments.recorded.aggregates import RecordedTotal
from experiments.recorded.counts import BadRow
from experiments.recorded.problems import MOST_EXAMPLES
from experiments.recorded.reasons import TOLD, RowFault
from experiments.recorded.units import UnitRow

_COPY = """
COPY experiments_externalunit (experiment_id, unit, variant_id, shown_variant_id, occurred_at, cluster, dimensions,
    totals, covariates) FROM STDIN
"""


def copy_units(*, experiment_id: int, variant_ids: Mapping[int, int], rows: Iterable[UnitRow]) -> int:
    """Copy units into the table and return their number.

    variant_ids: id by position in the manifest.
    """
    written = 0
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            shown = None if row.shown is None else variant_ids[row.shown]
            copy.write_row(
                (
                    experiment_id,
                    row.unit,
                    variant_ids[row.variant],
                    shown,
                    row.occurred_at,
                    row.cluster,
                    row.dimensions,
                    row.totals,
                    row.covariates,
                )
            )
            written += 1
    return written


def insert_aggregates(*, experiment_id: int, variant_ids: Mapping[str, int], totals: Sequence[RecordedTotal]) -> None:
    """Insert totals; sums are kept as the digits of exact integers. variant_ids: id by key."""
    ExternalAggregate.objects.bulk_create(
        (
            ExternalAggregate(
                experiment_id=experiment_id,
                variant_id=variant_ids[total.variant],
                metric_key=total.outcome,
                checkpoint=total.checkpoint,
                units=total.sums.n,
                moments={
                    "names": list(total.sums.names),
                    "sums": [str(value) for value in total.sums.sums],
                    "products": [str(value) for value in total.sums.products],
                    "nonzero": [str(value) for value in total.sums.nonzero],
                },
            )
            for total in totals
        ),
        batch_size=1000,
    )


def quarantine_rows(*, project_id: int, experiment_id: int | None, examples: Sequence[BadRow]) -> None:
    """Insert examples of bad rows; of lines that belong to no experiment, those that are known already stay."""
    Quarantine.objects.bulk_create(
        (
            Quarantine(
                project_id=project_id,
                experiment_id=experiment_id,
                origin=Quarantine.Origin.IMPORT,
                reference=example.reference,
                reason=example.reason,
                detail=f"{example.place}: {TOLD[RowFault(example.reason)].meaning}.",
                payload={
                    "file": example.file,
                    "row": example.row,
                    "line": example.line,
                    "column": example.column,
                    "value": example.value,
                },
            )
            for example in examples[:MOST_EXAMPLES]
        ),
        batch_size=500,
        ignore_conflicts=experiment_id is None,
    )
