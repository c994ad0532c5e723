"""Promise A4: a visitor who logs in keeps every variant, though the customer alone is named afterwards."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.assignment.engine import assign
from experiments.assignment.links import through_links
from experiments.assignment.snapshot import Assignment, Snapshot
from experiments.vocabulary import Reason
from tests.experiments.assignment.builders import AT, arms, compiled, experiment

MERGES = 10_000


def answer(bundle: Snapshot, units: dict[str, object], met: dict[int, str] | None, **parts: object) -> Assignment:
    attributes = parts.pop("attributes", {})
    found = assign(units, attributes, AT, None, bundle, keys=["experiment-1"])  # type: ignore[arg-type]
    (given_,) = through_links(found, units, attributes, AT, met, bundle, **parts)  # type: ignore[arg-type]
    return given_


def test_login__ten_thousand_merges__no_customer_changes_variant() -> None:
    bundle = compiled(experiment(1, coverage=800_000, variants=arms(300_000, 300_000, 400_000)))
    enrolled = switched = 0
    for number in range(MERGES):
        visitor, customer = f"visitor-{number}", f"customer-{number}"
        (before,) = assign({"visitor": visitor}, {}, AT, None, bundle)
        met = {1: str(before.variant)} if before.enrolled else {}
        together = answer(bundle, {"visitor": visitor, "customer": customer}, met)
        alone = answer(bundle, {"customer": customer}, met)
        enrolled += alone.enrolled
        switched += together != before or (alone.enrolled, alone.variant) != (before.enrolled, before.variant)

    assert switched == 0
    assert 7_500 < enrolled < 8_500


@settings(max_examples=100, deadline=None)
@given(
    exposed=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1_000)), max_size=12, unique_by=lambda e: e[1]),
    linked=st.permutations(range(10)),
    count=st.integers(0, 10),
)
def test_login__several_visitors__the_first_exposure_wins_whatever_the_order_of_links(
    exposed: list[tuple[int, int]], linked: list[int], count: int
) -> None:
    bundle = compiled(experiment(1, variants=arms(500_000, 500_000)))
    own = set(linked[:count])
    first = min((entry for entry in exposed if entry[0] in own), key=lambda entry: entry[1], default=None)
    met = {}
    if first is not None:
        (given_,) = assign({"visitor": f"v-{first[0]}"}, {}, AT, None, bundle)
        met = {1: str(given_.variant)}

    found = answer(bundle, {"customer": "c"}, met)

    expected = (True, met[1], Reason.STICKY) if met else (False, "control", Reason.ALIAS_UNKNOWN)
    assert (found.enrolled, found.variant, found.reason) == expected


@pytest.mark.parametrize(
    ("changes", "met", "parts", "reason"),
    [
        ({}, None, {}, Reason.STICKY_UNAVAILABLE),
        ({}, {}, {}, Reason.ALIAS_UNKNOWN),
        ({}, {1: "gone"}, {}, Reason.ALIAS_UNKNOWN),
        ({"status": "PAUSED"}, {1: "arm-1"}, {}, Reason.NOT_RUNNING),
        ({"epoch_opened_at": "2027-01-01T00:00:00Z"}, {1: "arm-1"}, {}, Reason.NOT_STARTED),
        ({"personalised": True}, {1: "arm-1"}, {"personalised": False}, Reason.PERSONALISATION_OFF),
        ({"audience": {"attribute": "x", "op": "eq", "value": 1}}, {1: "arm-1"}, {}, Reason.AUDIENCE),
    ],
)
def test_through_links__what_keeps_the_visitor_out__keeps_the_customer_out(
    changes: dict[str, object], met: dict[int, str] | None, parts: dict[str, object], reason: Reason
) -> None:
    found = answer(compiled(experiment(1, **changes)), {"customer": "c"}, met, **parts)

    assert (found.reason, found.variant, found.enrolled) == (reason, "control", False)


def test_through_links__emptied_arm__is_not_served() -> None:
    variants = [arms(500_000, 500_000)[0], arms(500_000, 500_000)[1] | {"state": "EMPTY"}]

    found = answer(compiled(experiment(1, variants=variants)), {"customer": "c"}, {1: "arm-1"})

    assert (found.reason, found.variant) == (Reason.ARM_CLOSED, "control")


@pytest.mark.parametrize("units", [{"visitor": "v", "customer": "c"}, {}, {"customer": 5}, {"visitor": 5}])
def test_through_links__no_customer_alone__leaves_everything(units: dict[str, object]) -> None:
    bundle = compiled(experiment(1), experiment(2, unit_kind="customer"))
    found = assign(units, {}, AT, None, bundle)  # type: ignore[arg-type]

    assert through_links(found, units, {}, AT, {1: "arm-1"}, bundle) == found
