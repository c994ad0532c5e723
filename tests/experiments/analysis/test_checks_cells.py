"""Checks of the split in parts: epochs, days, levels, units analysed and units left out."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.check_context import SHARED_BUDGET
from experiments.analysis.filters import FilterKind, FilterRule, UnitFilter
from experiments.analysis.inputs import DAY_CELLS, FILTER_CELLS, CellCount, Health, History, Stratum
from experiments.analysis.scorecard import CheckResult, Outcome
from experiments.analysis.verdict import judge
from experiments.analysis.wording import sentence
from experiments.vocabulary import CheckLevel, VerdictState
from tests.experiments.analysis.builders import finished, inputs, plan, rates

BASE = rates((10_000, 1000), (10_000, 1010))
BOTS = UnitFilter("bots", 1, FilterKind.BOT, FilterRule.ATTRIBUTE, "agent", ("bot",))
STAFF = UnitFilter("staff", 1, FilterKind.INTERNAL, FilterRule.UNIT_LIST)
PART = (0.005 - 0.001) / 6


def cell(dimension: str, level: str, control: int, treatment: int, stratum: str = "1") -> CellCount:
    return CellCount(dimension, level, stratum, {"control": control, "treatment": treatment})


def days(*counts: tuple[int, int]) -> list[CellCount]:
    return [cell(DAY_CELLS, f"2026-01-{5 + i:02}", *count) for i, count in enumerate(counts)]


def result(code: str, made=None, cells: Sequence[CellCount] = (), **given) -> CheckResult:
    seen = replace(inputs(BASE, **given), cells=tuple(cells))
    return build_scorecard(made or plan(), seen).check(code)


@pytest.mark.parametrize("made", [plan(), finished()])
def test_days__one_arm_dead_for_a_day__blocks_and_names_the_day_with_its_units(made):
    found = result("SAMPLE_RATIO_DAYS", made, days((500, 505), (490, 12), (510, 498)))
    assert (found.outcome, found.level) == (Outcome.FAILED, CheckLevel.BLOCK)
    assert found.figures["day"] == "2026-01-06"
    assert (found.figures["units:control"], found.figures["units:treatment"]) == (490, 12)
    assert (found.figures["expected:control"], found.figures["expected:treatment"]) == (251.0, 251.0)
    assert found.figures["alpha"] == pytest.approx(PART)


@pytest.mark.parametrize("made", [plan(), finished()])
def test_days__healthy__pass_and_name_the_day_that_is_furthest(made):
    found = result("SAMPLE_RATIO_DAYS", made, days((500, 505), (490, 530), (510, 498), (0, 0)))
    assert (found.outcome, found.figures["day"]) == (Outcome.PASSED, "2026-01-06")


def test_days__few_units_a_day__still_show_an_arm_that_is_dead():
    assert result("SAMPLE_RATIO_DAYS", cells=days((20, 20), (40, 0), (20, 21))).outcome is Outcome.FAILED


def test_days__not_counted__do_not_apply():
    found = result("SAMPLE_RATIO_DAYS")
    assert (found.outcome, found.figures) == (Outcome.NOT_APPLICABLE, {"why": "units are not counted by day"})


def test_days__split_changed_at_noon__each_part_follows_its_own_split():
    strata = [
        Stratum("1", 1, {"control": 9, "treatment": 1}, {"control": 900, "treatment": 100}),
        Stratum("2", 2, {"control": 1, "treatment": 1}, {"control": 500, "treatment": 500}),
    ]
    healthy = [cell(DAY_CELLS, "2026-01-05", 900, 100, "1"), cell(DAY_CELLS, "2026-01-05", 500, 500, "2")]
    broken = [cell(DAY_CELLS, "2026-01-05", 500, 500, "1"), cell(DAY_CELLS, "2026-01-05", 900, 100, "2")]
    for made in (plan(), finished()):
        assert result("SAMPLE_RATIO_DAYS", made, healthy, strata=strata).outcome is Outcome.PASSED
        assert result("SAMPLE_RATIO_DAYS", made, broken, strata=strata).outcome is Outcome.FAILED


def test_levels__browser_that_loses_a_tenth_of_treatment__blocks_and_is_named():
    made = plan(dimensions=("country", "browser"))
    cells = [cell("country", name, 5000, 4900) for name in ("cn", "us")]
    cells += [cell("browser", "chrome", 15_000, 15_050), cell("browser", "safari", 10_000, 9000)]
    found = result("SAMPLE_RATIO_LEVELS", made, cells)
    assert (found.outcome, found.level) == (Outcome.FAILED, CheckLevel.BLOCK)
    assert (found.figures["dimension"], found.figures["level"]) == ("browser", "safari")
    assert result("SAMPLE_RATIO_LEVELS", finished(dimensions=("browser",)), cells).outcome is Outcome.FAILED


def test_levels__dimension_that_the_plan_does_not_name__is_not_tested():
    broken = [cell("browser", "safari", 5000, 10)]
    assert result("SAMPLE_RATIO_LEVELS", cells=broken).outcome is Outcome.NOT_APPLICABLE
    assert result("SAMPLE_RATIO_LEVELS", plan(dimensions=("country",)), broken).outcome is Outcome.NOT_APPLICABLE


def test_levels__arm_closed_in_one_stratum__is_no_mismatch_there():
    strata = [
        Stratum("1", 1, {"control": 1, "treatment": 1}, {"control": 500, "treatment": 500}),
        Stratum("2", 2, {"control": 1, "treatment": 0}, {"control": 800, "treatment": 3}),
    ]
    cells = [cell("browser", "safari", 500, 500, "1"), cell("browser", "safari", 800, 3, "2")]
    for made in (plan(dimensions=("browser",)), finished(dimensions=("browser",))):
        found = result("SAMPLE_RATIO_LEVELS", made, cells, strata=strata)
        assert found.outcome is Outcome.PASSED
        assert (found.figures["units:control"], found.figures["expected:control"]) == (1300, 1300.0)


def test_levels__appearing_during_the_test__are_no_evidence_by_themselves():
    made = plan(dimensions=("browser",))
    many = [cell("browser", f"b{i}", i % 2, (i + 1) % 2) for i in range(500)]
    assert result("SAMPLE_RATIO_LEVELS", made, many).outcome is Outcome.PASSED
    assert result("SAMPLE_RATIO_LEVELS", finished(dimensions=("browser",)), many).outcome is Outcome.PASSED


def test_epochs__one_that_broke_after_a_change__is_named_although_the_sum_hides_it():
    strata = [
        Stratum("1", 1, {"control": 1, "treatment": 1}, {"control": 40_200, "treatment": 39_800}),
        Stratum("3", 3, {"control": 2, "treatment": 1}, {"control": 1200, "treatment": 780}),
    ]
    found = result("SAMPLE_RATIO_EPOCHS", strata=strata)
    assert (found.outcome, found.figures["epoch"]) == (Outcome.FAILED, "3")
    assert found.figures["expected:control"] == 1320.0


def test_epochs__only_one__does_not_apply():
    assert result("SAMPLE_RATIO_EPOCHS").outcome is Outcome.NOT_APPLICABLE


def test_analysed__metric_that_lost_units_of_one_variant__blocks():
    units = {"control": 10_000, "treatment": 10_000}
    made = plan()
    seen = inputs(rates((9000, 900), (8200, 850)), units=units)
    found = build_scorecard(made, seen).check("SAMPLE_RATIO_ANALYSED")
    assert (found.outcome, found.figures["metric"]) == (Outcome.FAILED, "conversion")
    assert build_scorecard(finished(), seen).check("SAMPLE_RATIO_ANALYSED").outcome is Outcome.FAILED
    even = inputs(rates((9000, 900), (9010, 850)), units=units)
    assert build_scorecard(made, even).check("SAMPLE_RATIO_ANALYSED").outcome is Outcome.PASSED


def test_analysed__every_unit_counts__does_not_apply():
    assert result("SAMPLE_RATIO_ANALYSED").outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("filtered", "outcome"), [((300, 310), Outcome.PASSED), ((300, 150), Outcome.FAILED), ((0, 0), None)]
)
def test_filter__units_of_one_variant_left_out_more_often__blocks(filtered, outcome):
    made = plan(filters=(STAFF, BOTS))
    counted = cell(FILTER_CELLS, "bots", *filtered)
    health = Health(filtered={"bots": counted.units})
    for found in (
        result("FILTER_BALANCE", made, [counted]),
        result("FILTER_BALANCE", made, health=health),
        result("FILTER_BALANCE", finished(filters=(STAFF, BOTS)), [counted]),
    ):
        assert found.outcome is (outcome or Outcome.NOT_APPLICABLE)
        assert found.figures.get("filter") == ("bots" if outcome else None)


def test_filter__split_changed__needs_the_units_by_epoch():
    strata = [
        Stratum("1", 1, {"control": 9, "treatment": 1}, {"control": 9000, "treatment": 1000}),
        Stratum("2", 2, {"control": 1, "treatment": 1}, {"control": 2000, "treatment": 2010}),
    ]
    made = plan(filters=(BOTS,))
    unknown = result(
        "FILTER_BALANCE", made, strata=strata, health=Health(filtered={"bots": {"control": 900, "treatment": 100}})
    )
    assert unknown.outcome is Outcome.NOT_APPLICABLE
    by_epoch = [cell(FILTER_CELLS, "bots", 900, 100, "1"), cell(FILTER_CELLS, "bots", 300, 290, "2")]
    assert result("FILTER_BALANCE", made, by_epoch, strata=strata).outcome is Outcome.PASSED


def test_filter__none_declared__does_not_apply():
    health = Health(filtered={"bots": {"control": 900, "treatment": 1}})
    assert result("FILTER_BALANCE", health=health).outcome is Outcome.NOT_APPLICABLE


def test_history__failed_cell_check__stays_failed_when_the_cells_heal_or_vanish():
    broken = build_scorecard(plan(), replace(inputs(BASE), cells=tuple(days((500, 20)))))
    past = History.of([broken])
    assert past.check_p["SAMPLE_RATIO_DAYS"] == broken.check("SAMPLE_RATIO_DAYS").figures["p_sequential"]
    for cells in (days((500, 500)), []):
        later = result("SAMPLE_RATIO_DAYS", cells=cells, history=past)
        assert (later.outcome, later.figures["p"]) == (Outcome.FAILED, past.check_p["SAMPLE_RATIO_DAYS"])
        assert later.figures["earlier"] == 1
    assert result("SAMPLE_RATIO_DAYS", finished(), days((500, 500)), history=past).outcome is Outcome.PASSED


def test_budget__all_of_it_with_the_overall_sample_ratio__leaves_the_parts_untested():
    made = plan(srm_alpha=0.005)
    assert result("SAMPLE_RATIO_DAYS", made, days((500, 0))).outcome is Outcome.NOT_APPLICABLE


def test_cells__any_order__give_equal_bytes():
    cells = [*days((500, 505), (490, 530)), cell("browser", "safari", 10, 20), cell("browser", "chrome", 30, 40)]
    made = plan(dimensions=("browser",))
    forward, backward = (
        build_scorecard(made, replace(inputs(BASE), cells=tuple(given))).to_json() for given in (cells, cells[::-1])
    )
    assert forward == backward


@pytest.mark.parametrize("strata", [(), (Stratum("1", 1, {}, {}),), (Stratum("1", 1, {"control": 1}, {"control": 9}),)])
@pytest.mark.parametrize("made", [plan, finished])
def test_cells__nothing_to_compare__is_not_applicable_and_no_error(made, strata: Sequence[Stratum]):
    declared = made(dimensions=("browser",), filters=(BOTS,))
    cells = (cell("browser", "", 0, 0), cell(DAY_CELLS, "2026-01-05", 5, 0), cell(FILTER_CELLS, "bots", 3, 0))
    card = build_scorecard(declared, replace(inputs(BASE), strata=tuple(strata), cells=cells))
    outcomes = {code: card.check(code).outcome for code in (*SHARED_BUDGET, "SAMPLE_RATIO")}
    assert set(outcomes.values()) == {Outcome.NOT_APPLICABLE}


def test_verdict__level_that_broke__is_invalid_and_says_what_to_do():
    made = plan(dimensions=("browser",))
    card = build_scorecard(made, replace(inputs(BASE), cells=(cell("browser", "safari", 5000, 4000),)))
    verdict = judge(made, card)
    assert verdict.state is VerdictState.INVALID
    said = sentence(verdict.reasons[0])
    assert said.startswith("Not trustworthy: the check “Sample ratio by dimension” failed. In a part of the traffic")
    assert said.endswith("Mend it and start a new experiment.")


def test_figures__of_every_check__are_finite_or_none():
    made = plan(dimensions=("browser",), filters=(BOTS,))
    cells = (cell("browser", "safari", 10**9, 1), *days((10**9, 1)), cell(FILTER_CELLS, "bots", 10**9, 1))
    card = build_scorecard(made, replace(inputs(BASE), cells=cells))
    assert _failed(card.checks) >= {"SAMPLE_RATIO_DAYS", "SAMPLE_RATIO_LEVELS", "FILTER_BALANCE"}
    assert card.to_json()


def _failed(checks: Sequence[CheckResult]) -> set[str]:
    return {check.code for check in checks if check.outcome is Outcome.FAILED}
