"""Where a manifest's columns go: which are read, which parsed value each becomes, and what makes a row bad."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from experiments.recorded.amounts import is_number_sql, value_sql
from experiments.recorded.files import literal
from experiments.recorded.manifest import Manifest
from experiments.recorded.manifest_parts import Missing, ValueKind
from experiments.recorded.reasons import RowFault

_ZONE: Final = r".*[0-9]:[0-9]{2}([.,][0-9]+)? *([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)"
"""A time of day that ends in its offset from UTC."""

_TIMES: Final = "BETWEEN -62135596800000000 AND 253402300799999999"
"""The years 1 to 9999, in microseconds since 1970."""
LONGEST_ID: Final = 2000
"""Bytes of an id that is stored as it is: what an index of the database takes."""
_NO_TEXT: Final = "CAST(NULL AS VARCHAR)"


@dataclass(frozen=True, slots=True)
class Slot:
    """One integer of a unit: an outcome's total (y, d) or its value before (x, x_d); without a column it is 1."""

    metric: str
    part: str
    column: str | None
    kind: ValueKind
    missing: Missing


@dataclass(frozen=True, slots=True)
class Judgement:
    """A way in which a row can be bad: the condition over parsed values, and the column that is to blame.

    secret: the value in the column identifies somebody and is not shown.
    """

    fault: RowFault
    column: str
    condition: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that a manifest of user rows needs, and what becomes of them.

    needed: names of columns, each read as text n0, n1, ... in this order. parsed: SQL of each parsed value by name.
    judgements: in the order in which they are asked; the first that holds is the row's fault.
    """

    needed: tuple[str, ...]
    totals: tuple[Slot, ...]
    covariates: tuple[Slot, ...]
    parsed: dict[str, str]
    judgements: tuple[Judgement, ...]


def totals_of(manifest: Manifest) -> tuple[Slot, ...]:
    """Return the totals of a unit: for each outcome in order its numerator, then its denominator.

    Units that were randomised in clusters count as 1 in a denominator, so that outcomes are ratios over clusters.
    """
    found = []
    for outcome in manifest.outcomes:
        found += [
            Slot(outcome.name, name, part.column, part.kind, outcome.missing)
            for name, part in zip(("y", "d"), outcome.parts, strict=False)
        ]
        if manifest.columns.cluster is not None and len(outcome.parts) == 1:
            found.append(Slot(outcome.name, "d", None, ValueKind.COUNT, outcome.missing))
    return tuple(found)


def covariates_of(manifest: Manifest) -> tuple[Slot, ...]:
    """Return the covariates of a unit: for each outcome in order its value before the experiment, if declared."""
    return tuple(
        Slot(outcome.name, name, part.before.column, part.before.kind or part.kind, Missing.QUARANTINE)
        for outcome in manifest.outcomes
        for name, part in zip(("x", "x_d"), outcome.parts, strict=False)
        if part.before is not None
    )


def layout_of(manifest: Manifest, *, project_zone: str) -> Layout:
    """Return the layout of a manifest of user rows; project_zone is the zone of times that carry none."""
    totals, covariates = totals_of(manifest), covariates_of(manifest)
    columns = manifest.columns
    named = [columns.experiment, columns.variant, columns.unit, columns.shown, columns.time, columns.cluster]
    values = [slot.column for slot in (*totals, *covariates) if slot.column is not None]
    needed = tuple(dict.fromkeys([*(name for name in named if name), *manifest.dimensions, *values]))
    text = {name: f"n{index}" for index, name in enumerate(needed)}
    parsed = {
        "experiment": text[columns.experiment] if columns.experiment else _NO_TEXT,
        "unit": text[columns.unit] if columns.unit else _NO_TEXT,
        "variant": variant_sql(text[columns.variant], [part.recorded_values for part in manifest.variants]),
        "shown": variant_sql(text[columns.shown], [part.shown_values for part in manifest.variants])
        if columns.shown
        else "CAST(NULL AS UTINYINT)",
        "moment": _moment(manifest, text[columns.time], project_zone) if columns.time else "CAST(NULL AS BIGINT)",
        "cluster": text[columns.cluster] if columns.cluster else _NO_TEXT,
    }
    parsed |= {f"d{index}": text[name] for index, name in enumerate(manifest.dimensions)}
    parsed |= {f"t{index}": _total(slot, text, manifest.money_unit) for index, slot in enumerate(totals)}
    parsed |= {f"x{index}": _value(slot, text, manifest.money_unit) for index, slot in enumerate(covariates)}
    judgements = (*_identity(manifest, text), *_values(totals, "t", text), *_values(covariates, "x", text))
    return Layout(needed, totals, covariates, parsed, judgements)


def variant_sql(text: str, values: Sequence[tuple[str, ...]]) -> str:
    """Return the SQL of the position of the variant whose recorded values hold a text."""
    cases = " ".join(f"WHEN {literal(value)} THEN {index}" for index, variant in enumerate(values) for value in variant)
    return f"CAST(CASE {text} {cases} END AS UTINYINT)"


def _moment(manifest: Manifest, text: str, project_zone: str) -> str:
    zone = literal(manifest.columns.time_zone or project_zone)
    written = manifest.columns.time_format
    if written is not None:
        parsed = f"try_strptime({text}, {literal(written)})"
        return f"epoch_us({parsed})" if "%z" in written or "%Z" in written else f"epoch_us(timezone({zone}, {parsed}))"
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(_ZONE)}) THEN epoch_us(TRY_CAST({text} AS TIMESTAMPTZ))"
        f" ELSE epoch_us(timezone({zone}, TRY_CAST({text} AS TIMESTAMP))) END"
    )


def _value(slot: Slot, text: dict[str, str], money_unit: float) -> str:
    if slot.column is None:
        return "CAST(1 AS BIGINT)"
    return value_sql(slot.kind, f"trim({text[slot.column]})", money_unit=money_unit)


def _total(slot: Slot, text: dict[str, str], money_unit: float) -> str:
    value = _value(slot, text, money_unit)
    if slot.column is None or slot.missing is Missing.QUARANTINE:
        return value
    return f"CASE WHEN {text[slot.column]} IS NULL THEN 0 ELSE {value} END"


def _identity(manifest: Manifest, text: dict[str, str]) -> list[Judgement]:
    columns = manifest.columns
    found = []
    if columns.experiment:
        found.append(Judgement(RowFault.MISSING_EXPERIMENT, columns.experiment, "experiment IS NULL"))
    found.append(Judgement(RowFault.MISSING_VARIANT, columns.variant, f"{text[columns.variant]} IS NULL"))
    found.append(Judgement(RowFault.UNKNOWN_VARIANT, columns.variant, "variant IS NULL"))
    if columns.unit:
        found.append(Judgement(RowFault.MISSING_UNIT, columns.unit, "unit IS NULL"))
    if columns.shown:
        found.append(Judgement(RowFault.MISSING_SHOWN, columns.shown, f"{text[columns.shown]} IS NULL"))
        found.append(Judgement(RowFault.UNKNOWN_SHOWN, columns.shown, "shown IS NULL"))
    if columns.time:
        found.append(Judgement(RowFault.UNREADABLE_TIME, columns.time, f"moment IS NULL OR NOT moment {_TIMES}"))
    if columns.cluster:
        found.append(Judgement(RowFault.MISSING_CLUSTER, columns.cluster, "cluster IS NULL"))
    stored = [columns.unit, columns.cluster, *manifest.dimensions]
    found += [
        Judgement(RowFault.UNREADABLE_ID, name, f"contains({text[name]}, chr(0))", secret=True)
        for name in stored
        if name
    ]
    found += [
        Judgement(RowFault.UNREADABLE_ID, name, f"strlen({text[name]}) > {LONGEST_ID}", secret=True)
        for name in (columns.unit, columns.cluster)
        if name
    ]
    return found


def _values(slots: tuple[Slot, ...], prefix: str, text: dict[str, str]) -> list[Judgement]:
    found = []
    for index, slot in enumerate(slots):
        if slot.column is None:
            continue
        value, written = f"{prefix}{index}", text[slot.column]
        if prefix == "t" and slot.missing is Missing.QUARANTINE:
            found.append(Judgement(RowFault.MISSING_VALUE, slot.column, f"{written} IS NULL"))
        unread = f"{value} IS NULL AND {written} IS NOT NULL"
        no_number = f"{unread} AND NOT {is_number_sql(f'trim({written})')}"
        match slot.kind:
            case ValueKind.BINARY:
                found.append(Judgement(RowFault.NOT_BINARY, slot.column, unread))
            case ValueKind.COUNT:
                found.append(Judgement(RowFault.NOT_A_NUMBER, slot.column, no_number))
                found.append(Judgement(RowFault.NOT_WHOLE, slot.column, unread))
                found.append(Judgement(RowFault.NEGATIVE_COUNT, slot.column, f"{value} < 0"))
            case ValueKind.MONEY:
                found.append(Judgement(RowFault.NOT_A_NUMBER, slot.column, no_number))
                found.append(Judgement(RowFault.MONEY_OVERFLOW, slot.column, unread))
    return found
