"""56 real comparisons with their running totals: what looking at every one of them does, and what our methods say."""

import csv
import gzip
import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import AnalysisInputs, History, MetricSums, Stratum
from experiments.analysis.plan import PlannedVariant, default_plan
from experiments.analysis.scorecard import Crossing
from experiments.recorded.figures import sums_of
from experiments.recorded.manifest_parts import OutcomeKind
from experiments.vocabulary import Source
from tests.experiments.analysis.builders import conversion, decision

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

START = datetime(2026, 1, 1, tzinfo=UTC)
LEVEL = 0.05
Look = dict[str, str]


@dataclass(frozen=True, slots=True)
class Watched:
    """A comparison followed over all its looks: significant at some look, at the last one, and by our boundary."""

    sometime: bool
    at_the_end: bool
    crossed: bool
    srm_fixed: float
    srm_sequential: float


@pytest.fixture(scope="module")
def looks(real_data: Path) -> list[list[Look]]:
    """Return the running totals of the first metric, a list of looks for each comparison."""
    found: dict[tuple[str, str], list[Look]] = defaultdict(list)
    with gzip.open(real_data / "ab" / "asos_experiments_part0.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["metric_id"] == "1":
                found[row["experiment_id"], row["variant_id"]].append(row)
    return [sorted(rows, key=lambda row: float(row["time_since_start"])) for rows in found.values()]


def watch(looks: list[Look], *, planned: bool) -> Watched:
    """Follow a comparison; `planned` knows its last day beforehand and is group sequential."""
    last = float(looks[-1]["time_since_start"])
    plan = default_plan(
        variants=[PlannedVariant("c", control=True), PlannedVariant("t")],
        metrics=[decision(conversion())],
        horizon_days=max(7, math.ceil(last)) if planned else None,
    )
    history, sometime, crossed = History(), False, False
    for number, look in enumerate(looks, start=1):
        sums = {
            arm: sums_of(OutcomeKind.BINARY, {"units": look[f"count_{arm}"], "mean": look[f"mean_{arm}"]}, money_unit=1)
            for arm in "ct"
        }
        card = build_scorecard(
            plan,
            AnalysisInputs(
                experiment="recorded",
                source=Source.OWN,
                window_start=START,
                window_end=START + timedelta(days=float(look["time_since_start"])),
                received_before=None,
                strata=(Stratum("1", 1, {"c": 1, "t": 1}, {arm: found.n for arm, found in sums.items()}),),
                sums=tuple(MetricSums("conversion", arm, "1", found) for arm, found in sums.items()),
                history=history,
                is_last=number == len(looks),
            ),
        )
        seen = card.comparison("conversion", "t")
        at_the_end = seen.p_value is not None and seen.p_value < LEVEL
        sometime |= at_the_end
        crossed |= seen.sequential is not None and seen.sequential.crossed is not Crossing.NONE
        history = history.after(card)
    ratio = card.check("SAMPLE_RATIO").figures
    return Watched(sometime, at_the_end, crossed, float(ratio["p_fixed"] or 0.0), float(ratio["p_sequential"] or 0.0))


def test_running_totals__first_metric__has_56_comparisons_with_up_to_246_looks(looks: list[list[Look]]):
    assert len(looks) == 56
    assert (min(map(len, looks)), max(map(len, looks))) == (2, 246)


def test_running_totals__every_look_at_five_per_cent__nearly_doubles_what_the_last_look_finds(looks: list[list[Look]]):
    found = [watch(each, planned=False) for each in looks]
    assert sum(each.at_the_end for each in found) == 14
    assert sum(each.sometime for each in found) == 25
    assert sum(each.srm_fixed < 0.001 for each in found) == 5
    assert sum(each.srm_sequential < 0.001 for each in found) == 5
    # without a planned end: valid for ever, and therefore slow to call on samples a thousand times as planned
    assert sum(each.crossed for each in found) == 8
    assert sum(each.crossed and not each.sometime for each in found) == 0


def test_running_totals__weekly_looks_to_a_planned_end__call_all_that_the_last_look_finds(looks: list[list[Look]]):
    found = [watch(weekly(each), planned=True) for each in looks]
    assert sum(each.at_the_end for each in found) == 14
    assert sum(each.sometime for each in found) == 19
    # the boundary adds two that were clear early and faded, where peeking adds five
    assert sum(each.crossed for each in found) == 16
    assert all(each.crossed for each in found if each.at_the_end)


def weekly(looks: list[Look]) -> list[Look]:
    """Return the last look of each week."""
    return list({math.ceil(float(look["time_since_start"]) / 7.0): look for look in looks}.values())
