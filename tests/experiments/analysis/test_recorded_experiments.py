"""Two recorded experiments whose right answers are known, straight from their files through the engine."""

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import AnalysisInputs, Health, MetricSums, Stratum
from experiments.analysis.plan import PlannedVariant, recorded_plan
from experiments.analysis.scorecard import Crossing, Exclusions, Outcome
from experiments.analysis.verdict import ReasonCode, judge
from experiments.vocabulary import CheckLevel, Source, VerdictState
from tests.experiments.analysis.builders import conversion, decision, revenue
from tests.experiments.statistics.units import exact_sums

pytestmark = pytest.mark.realdata


def rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def recorded(units: dict[str, int], sums: tuple[MetricSums, ...], health: Health) -> AnalysisInputs:
    stratum = Stratum("1", 1, dict.fromkeys(units, 1), units)
    return AnalysisInputs("recorded", Source.EXTERNAL, None, None, None, (stratum,), sums, health)


@pytest.fixture(scope="module")
def e_mail(real_data: Path):
    columns: dict[str, tuple[list[int], list[int], list[int]]] = {}
    for row in rows(real_data / "ab" / "hillstrom_email.csv.gz"):
        visit, spend, history = columns.setdefault(row["segment"], ([], [], []))
        visit.append(int(row["visit"]))
        spend.append(round(float(row["spend"]) * 1e6))
        history.append(round(float(row["history"]) * 1e6))
    sums = tuple(
        entry
        for variant, (visit, spend, history) in columns.items()
        for entry in (
            MetricSums("visit", variant, "1", exact_sums(("y",), visit)),
            MetricSums("spend", variant, "1", exact_sums(("y", "x"), spend, history)),
        )
    )
    plan = recorded_plan(
        variants=[
            PlannedVariant("No E-Mail", control=True),
            PlannedVariant("Mens E-Mail"),
            PlannedVariant("Womens E-Mail"),
        ],
        metrics=[decision(conversion("visit")), decision(revenue("spend", covariate_days=365))],
    )
    units = {variant: len(visit) for variant, (visit, _spend, _history) in columns.items()}
    return plan, build_scorecard(plan, recorded(units, sums, Health(rows=64_000)))


def test_e_mail__units_and_split__are_as_published(e_mail):
    _plan, card = e_mail
    assert {count.variant: count.units for count in card.variants} == {
        "No E-Mail": 21_306,
        "Mens E-Mail": 21_307,
        "Womens E-Mail": 21_387,
    }
    assert card.check("SAMPLE_RATIO").figures["p_fixed"] == pytest.approx(0.9037, abs=1e-4)


def test_e_mail__effects_of_the_mens_mail__are_as_published(e_mail):
    _plan, card = e_mail
    visit, spend = (card.comparison(metric, "Mens E-Mail") for metric in ("visit", "spend"))
    assert visit.absolute.value == pytest.approx(0.0765896, abs=1e-6)
    assert visit.absolute.interval.lower == pytest.approx(0.06995, abs=2e-5)
    assert visit.absolute.interval.upper == pytest.approx(0.08323, abs=2e-5)
    assert spend.adjustment is not None
    unadjusted = spend.adjustment.unadjusted
    assert unadjusted.value == pytest.approx(0.76983, abs=1e-5)
    assert unadjusted.interval.lower == pytest.approx(0.4851, abs=1e-4)
    assert unadjusted.interval.upper == pytest.approx(1.0545, abs=1e-4)
    # what these customers spent the year before says next to nothing about the next fortnight
    assert abs(spend.adjustment.variance_reduction) < 0.002
    assert spend.absolute.value == pytest.approx(0.7675, abs=1e-4)


def test_e_mail__verdict__ships_the_mens_mail_and_claims_no_revenue_win_over_the_womens(e_mail):
    plan, card = e_mail
    found = judge(plan, card)
    assert (found.state, found.winner) == (VerdictState.SHIP, "Mens E-Mail")
    between = {item.params["metric"]: item.code for item in found.reasons if "other" in item.params}
    assert between == {"visit": ReasonCode.ARMS_SEPARATED, "spend": ReasonCode.ARMS_NOT_SEPARATED}
    contrast = next(contrast for contrast in card.contrasts if contrast.metric == "spend")
    assert contrast.p_value == pytest.approx(0.0306, abs=1e-4)
    assert contrast.sequential is not None
    assert contrast.sequential.crossed is Crossing.NONE


def test_landing_page__mismatches_dropped__is_inconclusive_with_the_warning(real_data: Path):
    mismatched = duplicates = read = 0
    seen: set[str] = set()
    counts: Counter[str] = Counter()
    converted: Counter[str] = Counter()
    times = []
    for row in rows(real_data / "ab" / "landing_page_ab_data.csv.gz"):
        read += 1
        if (row["group"] == "treatment") is not (row["landing_page"] == "new_page"):
            mismatched += 1
            continue
        if row["user_id"] in seen:
            duplicates += 1
            continue
        seen.add(row["user_id"])
        counts[row["group"]] += 1
        converted[row["group"]] += int(row["converted"])
        times.append(row["timestamp"])
    assert (dict(counts), mismatched, duplicates) == ({"control": 145_274, "treatment": 145_310}, 3893, 1)
    plan = recorded_plan(
        variants=[PlannedVariant("control", control=True), PlannedVariant("treatment")],
        metrics=[decision(conversion("converted"))],
    )
    sums = tuple(
        MetricSums("converted", key, "1", exact_sums(("y",), [1] * converted[key] + [0] * (n - converted[key])))
        for key, n in counts.items()
    )
    health = Health(Exclusions(mismatched_rows=mismatched, duplicates=duplicates), rows=read)
    ends = [datetime.fromisoformat(time).replace(tzinfo=UTC) for time in (min(times), max(times))]
    given = replace(recorded(dict(counts), sums, health), window_start=ends[0], window_end=ends[1])
    card = build_scorecard(plan, given)
    found = card.comparison("converted", "treatment")
    assert found.absolute.value == pytest.approx(-0.001578, abs=1e-6)
    assert found.absolute.interval.lower == pytest.approx(-0.003938, abs=2e-5)
    assert found.absolute.interval.upper == pytest.approx(0.000781, abs=2e-5)
    assert found.p_value == pytest.approx(0.1899, abs=1e-4)
    shown = card.check("EXPOSURE_MISMATCH")
    assert (shown.outcome, shown.level) == (Outcome.FAILED, CheckLevel.WARN)
    verdict = judge(plan, card)
    assert (verdict.state, verdict.winner) == (VerdictState.INCONCLUSIVE, None)
    assert [item.code for item in verdict.reasons] == [
        ReasonCode.NOT_SUPERIOR,
        ReasonCode.CHECK_WARNS,
        ReasonCode.CHECK_WARNS,
    ]
