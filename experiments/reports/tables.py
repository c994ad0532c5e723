"""The numbers of a readout for other programs: the stored scorecard as JSON, its comparisons as CSV."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from django.utils.translation import gettext_lazy as _

from experiments.analysis.scorecard import Comparison
from experiments.queries.readouts import Readout
from experiments.reports.wording import Text

SCHEMA: Final = 1
Cell = str | int | float | bool | None
T = TypeVar("T")

_FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it spreadsheets read UTF-8 as the machine's old code page, and Chinese names break."""

_COLUMNS: Final[tuple[tuple[Text, Callable[[Comparison], Cell]], ...]] = (
    (_("metric"), lambda c: c.metric),
    (_("version"), lambda c: c.metric_version),
    (_("role"), lambda c: c.role),
    (_("direction"), lambda c: c.direction),
    (_("variant"), lambda c: c.variant),
    (_("compared with"), lambda c: c.reference),
    (_("units, reference"), lambda c: c.control.n),
    (_("units, variant"), lambda c: c.treatment.n),
    (_("total, reference"), lambda c: c.control.numerator),
    (_("total, variant"), lambda c: c.treatment.numerator),
    (_("denominator, reference"), lambda c: c.control.denominator),
    (_("denominator, variant"), lambda c: c.treatment.denominator),
    (_("value, reference"), lambda c: c.control.value),
    (_("value, variant"), lambda c: c.treatment.value),
    (_("status"), lambda c: c.status),
    (_("reason"), lambda c: c.reason),
    (_("method"), lambda c: c.estimator),
    (_("difference"), lambda c: c.absolute.value),
    (_("difference, lower"), lambda c: c.absolute.interval.lower),
    (_("difference, upper"), lambda c: c.absolute.interval.upper),
    (_("lift"), lambda c: c.lift.value),
    (_("lift, lower"), lambda c: c.lift.interval.lower),
    (_("lift, upper"), lambda c: c.lift.interval.upper),
    (_("lift, interval"), lambda c: c.lift.interval.status),
    (_("p-value"), lambda c: c.p_value),
    (_("p-value, adjusted"), lambda c: c.p_adjusted),
    (_("p-value, always valid"), lambda c: c.sequential.p_value if c.sequential else None),
    (_("difference over all looks, lower"), lambda c: c.sequential.absolute.lower if c.sequential else None),
    (_("difference over all looks, upper"), lambda c: c.sequential.absolute.upper if c.sequential else None),
    (_("lift over all looks, lower"), lambda c: c.sequential.lift.lower if c.sequential else None),
    (_("lift over all looks, upper"), lambda c: c.sequential.lift.upper if c.sequential else None),
    (_("boundary crossed"), lambda c: c.sequential.crossed if c.sequential else None),
    (_("corrected after the stop, p-value"), lambda c: c.final.p_value if c.final else None),
    (_("corrected difference"), lambda c: c.final.median_unbiased if c.final else None),
    (_("corrected difference, lower"), lambda c: c.final.interval.lower if c.final else None),
    (_("corrected difference, upper"), lambda c: c.final.interval.upper if c.final else None),
    (_("corrected lift"), lambda c: c.final.lift if c.final else None),
    (_("corrected lift, lower"), lambda c: c.final.lift_interval.lower if c.final else None),
    (_("corrected lift, upper"), lambda c: c.final.lift_interval.upper if c.final else None),
    (_("chance left to show the planned effect"), lambda c: c.futility.conditional_power if c.futility else None),
    (_("variance removed"), lambda c: c.adjustment.variance_reduction if c.adjustment else None),
    (_("margin"), lambda c: c.non_inferiority.margin if c.non_inferiority else None),
    (_("within the margin"), lambda c: c.non_inferiority.passed if c.non_inferiority else None),
    (_("harm"), lambda c: c.harm.crossed if c.harm else None),
)


def json_of(readout: Readout) -> bytes:
    """Return the readout as JSON; `scorecard` is the stored text itself, so its digest is `scorecard_sha256`."""
    seen = readout.evidence
    head = {
        "schema": SCHEMA,
        "project": readout.project.key,
        "experiment": readout.key,
        "status": readout.status.value,
        "scorecard_sha256": seen.sha256 if seen else None,
        "verdict": seen.verdict.to_dict() if seen else None,
    }
    opening = json.dumps(head, ensure_ascii=False, allow_nan=False)[:-1]
    return f'{opening}, "scorecard": {seen.text if seen else "null"}}}\n'.encode()


def csv_of(readout: Readout) -> bytes:
    """Return one line per comparison, contrasts between treatments last; what does not exist is an empty cell.

    Headings are in the language of the request. Texts that a spreadsheet would take for a formula begin with an
    apostrophe; numbers stay numbers.
    """
    card = readout.evidence.scorecard if readout.evidence is not None else None
    return written(_COLUMNS, () if card is None else (*card.comparisons, *card.contrasts))


def written(columns: Sequence[tuple[Text, Callable[[T], Cell]]], records: Iterable[T]) -> bytes:
    """Return a file of comma-separated values with a byte order mark: headings, then one line per record."""
    out = io.StringIO()
    out.write(_BYTE_ORDER_MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_cell(str(heading)) for heading, _value in columns])
    for record in records:
        writer.writerow([_cell(value(record)) for _heading, value in columns])
    return out.getvalue().encode()


def safe_text(text: str) -> str:
    """Return the text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) or text.lstrip().startswith(_FORMULA_SIGNS) else text


def _cell(value: Cell) -> Cell:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return safe_text(str(value)) if isinstance(value, str) else value
