"""Reports against schedules: every row and every cell ends in exactly one place."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.assignment.schedule import Cell, write_out
from experiments.reported.faults import MEANINGS, ReportFault
from experiments.reported.judging import MOST_EXAMPLES, Expected, judge_report
from experiments.reported.layout import ReportInvalid, layout_of, parts_of
from experiments.reported.values import read_value
from experiments.vocabulary import MetricKind
from tests.experiments.assignment.test_periods import KEY, by_period

SALES = MetricSpec("sales", 1, MetricKind.SUM, Aggregation(("Order Completed",), What.SUM_VALUE))
RATE = MetricSpec(
    "rate",
    1,
    MetricKind.RATIO,
    Aggregation(("Order Completed",), What.COUNT),
    denominator=Aggregation(("Product Viewed",), What.COUNT),
)
PARTS = parts_of([SALES, RATE])
HEADER = ["unit", "period", "sales", "rate.numerator", "rate.denominator"]


def expected(units: int = 3, periods: int = 4, zone: str = "UTC") -> Expected:
    """Return what a report on a small schedule is held against."""
    names = [f"u{number}" for number in range(units)]
    cells = write_out(by_period(block=2), KEY, names, periods).cells
    return Expected({(cell.unit, cell.period): cell for cell in cells}, {n: n for n in names}, zone, daily=True)


def text(*rows: list[str]) -> io.StringIO:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return io.StringIO(out.getvalue())


def test_judge__whole_report__counts_every_cell_in_exact_numbers():
    plan = expected()
    rows = [[unit, str(period), "19.99", "2", "7"] for unit, period in plan.cells]
    found = judge_report(text(HEADER, *rows), PARTS, plan)
    assert [entry.cell for entry in found.counted] == list(plan.cells.values())
    assert {entry.values for entry in found.counted} == {(19_990_000, 2, 7)}
    assert (found.rows_read, found.bad_rows, found.missing, found.examples) == (12, 0, 0, ())


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["u0", "u1", "u2", "stranger", "", "a\0b"]),
            st.sampled_from(["0", "1", "3", "4", "-1", "x", ""]),
            st.sampled_from(["1", "1.5", "", "a lot", "1e400", "99999999999999999", "-3"]),
            st.integers(3, 6),
        ),
        max_size=30,
    ),
    st.booleans(),
)
def test_judge__any_rows__each_ends_in_one_place(rows, missing_is_zero):
    plan = expected()
    lines = [[unit, period, value, "1", "1", "extra"][:width] for unit, period, value, width in rows]
    found = judge_report(text(HEADER, *lines), PARTS, plan, missing_is_zero=missing_is_zero)
    cells = {(entry.cell.unit, entry.cell.period) for entry in found.counted}
    assert len(cells) == len(found.counted)
    assert found.rows_read == len(lines)
    if not missing_is_zero:
        assert found.rows_read == len(found.counted) + found.bad_rows
    doubled = {tuple(line[:2]) for line in lines if len(line) == 5}
    assert all((unit, str(period)) in doubled for unit, period in cells) or missing_is_zero
    assert not any("\0" in example.about for example in found.examples)


def test_judge__many_of_a_kind__are_all_counted_and_some_kept():
    found = judge_report(text(HEADER, *([["stranger", "0", "1", "1", "1"]] * 250)), PARTS, expected())
    assert found.faults[ReportFault.UNKNOWN_UNIT] == 250
    assert sum(example.fault is ReportFault.UNKNOWN_UNIT for example in found.examples) == MOST_EXAMPLES


@pytest.mark.parametrize(("zone", "first"), [("UTC", "2026-03-01"), ("Asia/Shanghai", "2026-03-01")])
def test_judge__dates__are_days_of_the_zone(zone, first):
    plan = expected(units=1, zone=zone)
    header = ["unit", "date", *HEADER[2:]]
    found = judge_report(text(header, ["u0", first, "1", "1", "1"], ["u0", "soon", "1", "1", "1"]), PARTS, plan)
    assert [entry.cell.period for entry in found.counted] == [0]
    assert found.faults[ReportFault.UNREADABLE_PERIOD] == 1


def test_judge__date_of_a_day_with_other_clocks__is_the_period_that_holds_its_noon():
    anchor = datetime(2026, 3, 27, 23, tzinfo=UTC)  # midnight in Berlin, two days before clocks change
    day = timedelta(days=1)
    cells = {
        ("u0", n): Cell("u0", n, anchor + n * day, anchor + (n + 1) * day, anchor + n * day, "control", {}, None)
        for n in range(4)
    }
    plan = Expected(cells, {"u0": "u0"}, "Europe/Berlin", daily=True)
    header = ["unit", "date", *HEADER[2:]]
    rows = [["u0", f"2026-03-{number}", "1", "1", "1"] for number in (28, 29, 30, 31)]
    assert [entry.cell.period for entry in judge_report(text(header, *rows), PARTS, plan).counted] == [0, 1, 2, 3]


def test_layout__names__are_found_wherever_they_stand():
    layout = layout_of(["x", " sales ", "rate.denominator", "unit", "rate.numerator", "period"], PARTS, daily=False)
    assert (layout.unit, layout.period, layout.date, layout.variant) == (3, 5, None, None)
    assert [(part.column, place) for part, place in layout.values] == [
        ("sales", 1),
        ("rate.numerator", 4),
        ("rate.denominator", 2),
    ]
    with pytest.raises(ReportInvalid, match="period is missing"):
        layout_of(["unit", "date", *HEADER[2:]], PARTS, daily=False)


@pytest.mark.parametrize(
    ("value", "what", "found"),
    [
        ("0.1", What.SUM_VALUE, 100_000),
        ("-3", What.SUM_VALUE, -3_000_000),
        ("99999999999999", What.SUM_VALUE, ReportFault.MONEY_OVERFLOW),
        ("1e3", What.SUM_VALUE, ReportFault.NOT_A_NUMBER),
        ("12", What.COUNT, 12),
        ("12.0", What.COUNT, 12),
        ("12.5", What.COUNT, ReportFault.NOT_WHOLE),
        ("2000000000", What.COUNT, ReportFault.NOT_WHOLE),
        ("-1", What.SUM_QUANTITY, ReportFault.NEGATIVE_COUNT),
        ("TRUE", What.ANY, 1),
        ("2", What.ANY, ReportFault.NOT_BINARY),
        ("  ", What.ANY, ReportFault.MISSING_VALUE),
        ("$5", What.SUM_VALUE, ReportFault.NOT_A_NUMBER),
        ("٣", What.COUNT, ReportFault.NOT_A_NUMBER),
    ],
)
def test_read_value__any_text__is_exact_or_says_why_not(value, what, found):
    assert read_value(value, what, missing_is_zero=False) == found
    assert read_value("", what, missing_is_zero=True) == 0


def test_meanings__every_fault__has_one():
    assert set(MEANINGS) == set(ReportFault)
