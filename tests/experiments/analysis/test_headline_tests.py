"""3 462 headline tests with a broken window of randomisation, straight from their file through the engine."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import AnalysisInputs, MetricSums, Stratum
from experiments.analysis.plan import AnalysisPlan, PlannedVariant, recorded_plan
from experiments.analysis.scorecard import Outcome, Scorecard
from experiments.analysis.verdict import judge
from experiments.statistics import srm
from experiments.statistics.homogeneity import equal_rates
from experiments.statistics.results import Undefined
from experiments.vocabulary import CheckLevel, Source, VerdictState
from tests.experiments.analysis.builders import conversion, decision, rate

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

BROKEN = range(201326, 201402)
"""Weeks in which, by the archive's authors, a cache sent viewers unevenly (25 June 2013 to 10 January 2014)."""
TINY = 1_000
"""Seven tests have an arm of fewer viewers; exact tests of all their pairs take minutes and are of no interest here."""
EXAMPLE = "546d88fb84ad38b2ce000024"


@dataclass(frozen=True, slots=True)
class Test:
    """One test: its week, and impressions and clicks of each arm."""

    __test__ = False
    key: str
    week: int
    impressions: tuple[int, ...]
    clicks: tuple[int, ...]


@pytest.fixture(scope="module")
def tests(real_data: Path) -> tuple[Test, ...]:
    path = real_data / "ab" / "upworthy_exploratory_70pct.parquet"
    rows = duckdb.execute(
        "SELECT clickability_test_id, min(test_week), list(impressions), list(clicks) FROM read_parquet(?) GROUP BY 1"
        " ORDER BY 1",
        [str(path)],
    ).fetchall()
    return tuple(Test(key, week, tuple(seen), tuple(clicked)) for key, week, seen, clicked in rows)


def analysed(test: Test) -> tuple[AnalysisPlan, Scorecard]:
    arms = [str(index) for index in range(len(test.impressions))]
    plan = recorded_plan(
        variants=[PlannedVariant(arm, control=arm == "0") for arm in arms], metrics=[decision(conversion("click"))]
    )
    sums = tuple(
        MetricSums("click", arm, "1", rate(n, clicked))
        for arm, n, clicked in zip(arms, test.impressions, test.clicks, strict=True)
    )
    stratum = Stratum("1", 1, dict.fromkeys(arms, 1), dict(zip(arms, test.impressions, strict=True)))
    return plan, build_scorecard(plan, AnalysisInputs(test.key, Source.AGGREGATE, None, None, None, (stratum,), sums))


def places_of(week: int) -> list[str]:
    places = ["inside" if week in BROKEN else "outside"]
    places += ["just before"] if week in (201324, 201325) else []
    places += ["earlier"] if week < 201324 else []
    return places + (["after"] if 201403 <= week <= 201426 else [])


def is_invalid(test: Test) -> bool:
    """Whether the engine refuses to trust a test; nothing but the sample ratio can block totals."""
    if min(test.impressions) < TINY:
        found = srm.fixed_p(test.impressions, [1.0] * len(test.impressions))
        return not isinstance(found, Undefined) and found < 0.001
    plan, card = analysed(test)
    ratio = card.check("SAMPLE_RATIO")
    assert ratio.level is CheckLevel.BLOCK
    state = judge(plan, card).state
    assert (state is VerdictState.INVALID) is (ratio.outcome is Outcome.FAILED)
    return state is VerdictState.INVALID


def test_headline_tests__all__have_the_published_totals(tests: tuple[Test, ...]):
    assert len(tests) == 3_462
    impressions, clicks = (sum(sum(getattr(test, name)) for test in tests) for name in ("impressions", "clicks"))
    assert (impressions, clicks) == (57_537_688, 863_849)
    assert clicks / impressions == pytest.approx(0.0150136, abs=1e-7)
    arms = sorted(len(test.clicks) for test in tests)
    assert (arms[0], arms[len(arms) // 2], arms[-1]) == (2, 4, 14)


def test_headline_tests__rates_of_all_arms_together__differ_as_often_as_published(tests: tuple[Test, ...]):
    found = [equal_rates(test.clicks, test.impressions) for test in tests]
    ps = [entry.p_value for entry in found if not isinstance(entry, Undefined)]
    assert sum(p < 0.05 for p in ps) / len(tests) == pytest.approx(0.455, abs=5e-4)
    assert sum(p < 0.01 for p in ps) / len(tests) == pytest.approx(0.317, abs=5e-4)


def test_headline_tests__window_of_the_fault__is_caught_and_others_are_trusted(tests: tuple[Test, ...]):
    invalid: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for test in tests:
        places = places_of(test.week)
        size.update(places)
        if is_invalid(test):
            invalid.update(places)
    assert (size["inside"], size["outside"]) == (689, 2_773)
    assert (invalid["inside"], invalid["outside"]) == (484, 34)
    assert (invalid["just before"], size["just before"]) == (24, 61)
    assert (invalid["earlier"], size["earlier"]) == (6, 215)
    assert (invalid["after"], size["after"]) == (2, 721)


def test_headline_tests__the_example__has_its_figures(tests: tuple[Test, ...]):
    (test,) = [test for test in tests if test.key == EXAMPLE]
    assert sorted(zip(test.impressions, test.clicks, strict=True)) == [
        (3018, 132),
        (3033, 122),
        (3052, 150),
        (3092, 110),
    ]
    assert test.week == 201446
    plan, card = analysed(test)
    assert card.check("SAMPLE_RATIO").outcome is Outcome.PASSED
    assert judge(plan, card).state is not VerdictState.INVALID
