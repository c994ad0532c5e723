"""Filters that have a meaning, and those that have none."""

from typing import Any

import pytest

from experiments.analysis.filters import LONGEST_HOURS, FilterKind, FilterRule, UnitFilter

HASTE: dict[str, Any] = {
    "key": "haste",
    "version": 1,
    "kind": FilterKind.BOT,
    "rule": FilterRule.EVENT_RATE,
    "events": ("Product Viewed",),
    "hours": 24,
    "limit": 300,
}


@pytest.mark.parametrize("changes", [{"hours": 1}, {"hours": LONGEST_HOURS}, {"limit": 0}])
def test_unit_filter__at_the_bounds__is_one(changes: dict[str, Any]) -> None:
    UnitFilter(**HASTE | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": ""}, "key: must not be empty"),
        ({"version": 0}, "version: must be 1 or more, not 0"),
        ({"events": ()}, "events: an EVENT_RATE filter names events, hours and a limit"),
        ({"limit": None}, "events: an EVENT_RATE filter names events, hours and a limit"),
        ({"rule": FilterRule.ATTRIBUTE}, "attribute: an ATTRIBUTE filter names an attribute and one or more values"),
        ({"hours": -1}, "hours: must be from 1 to 8760, not -1"),
        ({"hours": 8761}, "hours: must be from 1 to 8760, not 8761"),
        ({"limit": -1}, "limit: must be 0 or more, not -1"),
    ],
)
def test_unit_filter__without_a_meaning__is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        UnitFilter(**HASTE | changes)
    assert str(caught.value) == message
