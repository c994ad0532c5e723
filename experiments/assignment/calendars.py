"""The calendar of an experiment by period, as a bundle's entry says it."""

from datetime import UTC
from itertools import chain

from experiments.assignment.bucketing import Purpose, slot_prefix
from experiments.assignment.periods import LONGEST_BLOCK, LONGEST_PERIOD, Periods
from experiments.assignment.reading import BundleInvalid, read_integer, read_moment, read_object, read_ranges, read_text
from experiments.vocabulary import PERSONAL_UNITS, PeriodDesign

_DESIGNS = tuple(design.value for design in PeriodDesign)
_LAST = 2**53
"""No client can count further."""
_PERSONAL = frozenset(kind.value for kind in PERSONAL_UNITS)


def read_periods(value: object, path: str, salt: str, unit_kind: str) -> Periods | None:
    """Return the calendar that the member `period` describes; None where units are randomised once and for all.

    Raises:
        BundleInvalid: people are randomised by period, a burn-in leaves nothing of a period, a block has no length, or
            stretches of periods that are kept out are empty or overlap.
    """
    if value is None:
        return None
    entry = read_object(value, path)
    if unit_kind in _PERSONAL:
        raise BundleInvalid(f"{path}: {unit_kind} units are never randomised by period.")
    design = read_text(entry, "design", path)
    if design not in _DESIGNS:
        raise BundleInvalid(f"{path}.design: unknown design {design!r}; use one of {', '.join(_DESIGNS)}.")
    minutes = read_integer(entry, "minutes", path, most=LONGEST_PERIOD)
    burn_in = read_integer(entry, "burn_in", path)
    if burn_in >= minutes:
        raise BundleInvalid(f"{path}.burn_in: {burn_in} minutes leave nothing of a period of {minutes}.")
    is_balanced = design == PeriodDesign.BALANCED
    block = read_integer(entry, "block", path, most=LONGEST_BLOCK) if is_balanced else 1
    if block < 1:
        raise BundleInvalid(f"{path}.block: must be 1 or more.")
    return Periods(
        anchor=read_moment(entry, "anchor", path).astimezone(UTC),
        minutes=minutes,
        design=PeriodDesign(design),
        burn_in=burn_in,
        block=block,
        prefix=slot_prefix(salt, Purpose.PERIOD if is_balanced else Purpose.VARIANT),
        blackouts=tuple(chain.from_iterable(read_ranges(entry.get("blackouts", ()), f"{path}.blackouts", most=_LAST))),
    )
