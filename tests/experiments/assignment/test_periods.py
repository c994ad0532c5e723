"""Experiments by period: boundaries, balance, burn-in, and that the schedule is what the engine answers."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.assignment.engine import assign
from experiments.assignment.periods import block_length, cell_id, days_between, first_anchor, periods_touched
from experiments.assignment.reading import BundleInvalid
from experiments.assignment.schedule import write_out
from experiments.assignment.snapshot import Assignment, Snapshot
from experiments.vocabulary import Reason
from tests.experiments.assignment.builders import SLOTS, arms, compiled, experiment

ANCHOR = datetime(2026, 3, 1, tzinfo=UTC)
KEY = "experiment-1"


def by_period(
    *weights: int,
    minutes: int = 1440,
    burn_in: int = 0,
    block: int | None = None,
    salt: str = "salt",
    blackouts: Any = None,
    **changes: Any,
) -> Snapshot:
    """Return the snapshot of one experiment on items by period, balanced where a block is given."""
    period = {
        "minutes": minutes,
        "anchor": ANCHOR.isoformat(),
        "design": "INDEPENDENT" if block is None else "BALANCED",
        "burn_in": burn_in,
        **({} if block is None else {"block": block}),
        **({} if blackouts is None else {"blackouts": blackouts}),
    }
    entry = {
        "unit_kind": "item",
        "salt": salt,
        "epoch_opened_at": "2026-02-20T10:00:00+00:00",
        "period": period,
        "variants": arms(*(weights or (SLOTS // 2, SLOTS // 2))),
    }
    return compiled(experiment(1, **entry | changes))


def answer(snapshot: Snapshot, unit: str, at: datetime) -> Assignment:
    """Return what an item gets at a moment; asked by name and not, which must agree."""
    (named,) = assign({"item": unit}, {}, at, None, snapshot, keys=[KEY])
    (found,) = assign({"item": unit}, {}, at, None, snapshot)
    assert named == found
    return named


def drawn(snapshot: Snapshot, unit: str, periods: int, minutes: int = 1440) -> list[str | None]:
    """Return the variant of a unit in each period, asked in its middle."""
    middle = timedelta(minutes=minutes / 2)
    return [
        answer(snapshot, unit, ANCHOR + index * timedelta(minutes=minutes) + middle).variant for index in range(periods)
    ]


@pytest.mark.parametrize(
    ("weights", "block", "counts"),
    [
        ((500_000, 500_000), 2, [1, 1]),
        ((250_000, 750_000), 4, [1, 3]),
        ((333_334, 333_333, 333_333), 3, [1, 1, 1]),
        ((100_000, 900_000), 10, [1, 9]),
        ((500_000, 0, 500_000), 2, [1, 0, 1]),
        ((1_000_000, 0), 1, [1, 0]),
    ],
)
def test_balanced__every_block_of_every_unit__has_each_variant_by_its_weight(weights, block, counts):
    assert block_length(weights) == block
    snapshot = by_period(*weights, block=block)
    for unit in ("a", "b", "c|d"):
        found = drawn(snapshot, unit, 6 * block)
        for first in range(0, len(found), block):
            seen = Counter(found[first : first + block])
            keys = list(snapshot.experiments[KEY].variants)
            assert [seen[key] for key in keys] == counts


def test_balanced__different_units_and_salts__have_different_orders():
    units = [f"item-{number}" for number in range(200)]
    snapshot, other = by_period(block=2), by_period(block=2, salt="another")
    orders = [tuple(drawn(snapshot, unit, 8)) for unit in units]
    assert len(set(orders)) == 16  # all orders of four blocks of two
    assert orders != [tuple(drawn(other, unit, 8)) for unit in units]
    assert orders == [tuple(drawn(by_period(block=2), unit, 8)) for unit in units]
    treated = Counter(order[0] for order in orders)
    assert all(70 < number < 130 for number in treated.values())


def test_independent__cell__is_drawn_as_the_unit_of_its_name():
    snapshot = by_period()
    plain = compiled(experiment(1, variants=arms(SLOTS // 2, SLOTS // 2), unit_kind="item", salt="salt"))
    for index in range(50):
        at = ANCHOR + index * timedelta(days=1)
        cell = answer(snapshot, "shirt", at)
        (same,) = assign({"item": cell_id("shirt", index)}, {}, at, None, plain, keys=[KEY])
        assert (cell.variant, cell.variant_slot, cell.period) == (same.variant, same.variant_slot, index)


def test_burn_in__start_of_a_period__serves_the_variant_and_enrols_nobody():
    snapshot = by_period(block=2, minutes=60, burn_in=15)
    for index in range(6):
        start = ANCHOR + index * timedelta(hours=1)
        settling, last, counting = (answer(snapshot, "shirt", start + timedelta(minutes=m)) for m in (0, 14.99, 15))
        assert settling == last
        assert (settling.reason, settling.enrolled, settling.probability) == (Reason.BURN_IN, False, 0.0)
        assert (counting.reason, counting.enrolled, counting.probability) == (Reason.SPLIT, True, 0.5)
        assert settling.variant == counting.variant
        assert settling.period == counting.period == index


def test_before_the_first_period__any_unit__has_not_started():
    snapshot = by_period(block=2)
    found = answer(snapshot, "shirt", ANCHOR - timedelta(microseconds=1))
    assert (found.reason, found.variant, found.period) == (Reason.NOT_STARTED, "control", None)
    assert answer(snapshot, "shirt", ANCHOR).enrolled


def test_coverage__partial__keeps_units_out_of_all_their_periods():
    snapshot = by_period(block=2, coverage=SLOTS // 2)
    reasons = {
        unit: {answer(snapshot, unit, ANCHOR + timedelta(days=day)).reason for day in range(6)}
        for unit in (f"item-{number}" for number in range(40))
    }
    assert all(len(found) == 1 for found in reasons.values())
    assert {reason for found in reasons.values() for reason in found} == {Reason.SPLIT, Reason.COVERAGE}


def test_blackouts__periods_that_they_touch__give_everybody_the_control_and_leave_the_draw_of_others_alone():
    plain, kept_out = by_period(block=2, burn_in=60), by_period(block=2, burn_in=60, blackouts=[[1, 3], [6, 7]])
    for unit in ("a", "b", "c|d"):
        for index in range(10):
            start = ANCHOR + index * timedelta(days=1)
            for at in (start, start + timedelta(hours=1), start + timedelta(days=1, microseconds=-1)):
                found = answer(kept_out, unit, at)
                if index in (1, 2, 6):
                    assert (found.reason, found.variant, found.enrolled) == (Reason.BLACKOUT, "control", False)
                    assert (found.probability, found.period, found.slots) == (0.0, None, (None, None, None))
                else:
                    same = answer(plain, unit, at)
                    assert (found.reason, found.variant) == (same.reason, same.variant)
                    assert (found.period, found.slots) == (same.period, same.slots)


def test_schedule__blackouts__have_no_cells_and_their_periods_are_told():
    found = write_out(by_period(block=2, blackouts=[[0, 2], [4, 5]]), KEY, ["a", "b"], 6)
    assert [(cell.unit, cell.period) for cell in found.cells] == [(unit, i) for unit in "ab" for i in (2, 3, 5)]
    assert (found.blackouts, dict(found.left_out)) == ((0, 1, 4), {})
    nothing = write_out(by_period(blackouts=[[0, 9]]), KEY, ["a", "b"], 6)
    assert (nothing.cells, nothing.left_out) == ((), {Reason.BLACKOUT: 2})


def test_schedule__blackouts_and_a_budget__divide_it_over_the_cells_that_are_left():
    variants = arms(SLOTS // 2, SLOTS // 2)
    for variant in variants:
        variant["budget"] = 10_000_001
    found = write_out(by_period(block=2, blackouts=[[1, 4]], variants=variants), KEY, ["a", "b", "c"], 6)
    assert sum(cell.budget or 0 for cell in found.cells) == 20_000_002


@pytest.mark.parametrize(
    ("spans", "touched"),
    [
        ([], []),
        ([(0, 24)], [(0, 1)]),
        ([(23, 25)], [(0, 2)]),
        ([(24, 25)], [(1, 2)]),
        ([(-48, -1)], []),
        ([(-48, 0)], []),
        ([(-48, 1)], [(0, 1)]),
        ([(72, 96), (24, 48), (25, 30)], [(1, 2), (3, 4)]),
        ([(24, 48), (48, 72)], [(1, 3)]),
        ([(0, 240), (24, 48)], [(0, 10)]),
    ],
)
def test_periods_touched__spans_in_hours__are_the_days_that_overlap_them(spans, touched):
    moments = [tuple(ANCHOR + timedelta(hours=hours) for hours in span) for span in spans]
    assert periods_touched(moments, anchor=ANCHOR, minutes=1440) == touched


def test_days_between__change_of_clocks__begins_and_ends_at_midnight_of_the_zone():
    begun, over = days_between(date(2026, 3, 28), date(2026, 3, 29), "Europe/Berlin")
    assert (begun.isoformat(), over.isoformat()) == ("2026-03-27T23:00:00+00:00", "2026-03-29T22:00:00+00:00")


def test_paused__any_period__is_not_running():
    assert answer(by_period(block=2, status="PAUSED"), "a", ANCHOR).reason is Reason.NOT_RUNNING


@settings(max_examples=60, deadline=None)
@given(
    units=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1, max_size=3),
    minutes=st.integers(1, 3000),
    share=st.floats(0, 0.999),
    balanced=st.booleans(),
    inside=st.floats(0, 1, exclude_max=True),
)
def test_schedule__any_moment_of_a_cell_that_counts__is_what_the_engine_answers(
    units, minutes, share, balanced, inside
):
    burn_in = int(minutes * share)
    snapshot = by_period(300_000, 700_000, minutes=minutes, burn_in=burn_in, block=10 if balanced else None)
    names = list(dict.fromkeys(units))
    found = write_out(snapshot, KEY, names, 7)
    assert [(cell.unit, cell.period) for cell in found.cells] == [(unit, i) for unit in names for i in range(7)]
    for cell in found.cells:
        at = cell.counts_from + inside * (cell.end - cell.counts_from - timedelta(microseconds=1))
        given_now = answer(snapshot, cell.unit, at)
        assert (given_now.variant, given_now.period, given_now.enrolled) == (cell.variant, cell.period, True)
        before = answer(snapshot, cell.unit, cell.start)
        assert (before.variant, before.period) == (cell.variant, cell.period)
        assert given_now.parameters == cell.parameters


def test_schedule__units_that_take_no_part__are_counted_by_reason():
    found = write_out(by_period(block=2, coverage=0), KEY, ["a", "b", ""], 4)
    assert found.cells == ()
    assert found.left_out == {Reason.COVERAGE: 2, Reason.UNIT_MISSING: 1}


def test_schedule__budget__is_divided_to_the_last_millionth():
    variants = arms(333_334, 333_333, 333_333)
    for variant, part in zip(variants, (33_333_334, 33_333_333, 33_333_333), strict=True):
        variant["budget"] = part
    found = write_out(by_period(block=3, variants=variants), KEY, ["a", "b", "c"], 5)
    assert sum(cell.budget or 0 for cell in found.cells) == 100_000_000
    controls = [cell.budget or 0 for cell in found.cells if cell.variant == "control"]
    assert sum(controls) == 33_333_334
    assert max(controls) - min(controls) <= 1


@pytest.mark.parametrize(
    ("started", "minutes", "zone", "anchor"),
    [
        ("2026-03-01T10:20:30+00:00", 1440, "UTC", "2026-03-02T00:00:00+00:00"),
        ("2026-03-01T00:00:00+00:00", 1440, "UTC", "2026-03-01T00:00:00+00:00"),
        ("2026-03-01T10:20:30+00:00", 1440, "Asia/Shanghai", "2026-03-01T16:00:00+00:00"),
        ("2026-03-01T10:20:30+00:00", 120, "Asia/Kolkata", "2026-03-01T10:30:00+00:00"),
        ("2026-03-01T10:00:00+00:00", 60, "UTC", "2026-03-01T10:00:00+00:00"),
        ("2026-03-01T10:20:30.5+00:00", 90, "UTC", "2026-03-01T10:21:00+00:00"),
        ("2026-03-28T12:00:00+00:00", 1440, "Europe/Berlin", "2026-03-28T23:00:00+00:00"),
        ("2026-03-29T12:00:00+00:00", 1440, "Europe/Berlin", "2026-03-29T22:00:00+00:00"),
        ("2026-03-07T12:00:00+00:00", 1440, "America/Havana", "2026-03-08T05:00:00+00:00"),  # no midnight that day
    ],
)
def test_first_anchor__start_and_zone__is_the_next_boundary_of_its_kind(started, minutes, zone, anchor):
    found = first_anchor(datetime.fromisoformat(started), minutes, zone)
    assert found == datetime.fromisoformat(anchor)
    assert found.tzinfo is UTC


def test_periods__across_a_change_of_clocks__stay_equally_long():
    anchor = first_anchor(datetime(2026, 3, 28, 12, tzinfo=UTC), 1440, "Europe/Berlin")
    assert [(anchor + n * timedelta(minutes=1440) - anchor).total_seconds() for n in (1, 2)] == [86_400, 172_800]


def test_block_length__weights_without_a_short_block__is_none():
    assert block_length([500_001, 499_999]) is None
    assert block_length([10_000, 990_000]) == 100


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"unit_kind": "visitor"}, "period"),
        ({"burn_in": 1440}, "burn_in"),
        ({"minutes": 0}, "burn_in"),
        ({"minutes": "60"}, "minutes"),
        ({"design": "SOMEHOW"}, "design"),
        ({"anchor": "2026-03-01T00:00:00"}, "anchor"),
        ({"block": 0}, "block"),
        ({"block": 1_000}, "block"),
        ({"block": None}, "block"),
        ({"blackouts": 5}, "blackouts"),
        ({"blackouts": [[3, 3]]}, "blackouts"),
        ({"blackouts": [[-1, 3]]}, "blackouts"),
        ({"blackouts": [[0, 3], [2, 5]]}, "blackouts"),
        ({"blackouts": [[0, 1.5]]}, "blackouts"),
    ],
)
def test_compile__calendar_that_cannot_be__names_the_path(changes, path):
    period = {"minutes": 1440, "anchor": ANCHOR.isoformat(), "design": "BALANCED", "burn_in": 0, "block": 2}
    kind = changes.pop("unit_kind", "item")
    with pytest.raises(BundleInvalid, match=rf"experiments\[0\]\.period(\.{path})?"):
        compiled(experiment(1, unit_kind=kind, period=period | changes))
