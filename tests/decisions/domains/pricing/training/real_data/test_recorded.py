"""Recorded prices: read as their publishers describe them, estimates as they are known, and the whole report."""

from pathlib import Path

import numpy as np
import pytest

from decisions.domain_reports import RecordedDataMissing, markdown
from decisions.domains.pricing.training.doubts import find_doubts
from decisions.domains.pricing.training.real_data import avocado, cheese, evaluate, online_retail
from models_registry.predictors.demand import Doubt


def test_cheese__with_an_effect_for_each_retailer__has_the_elasticity_that_is_known(real_data: Path):
    data = cheese.read(real_data)
    assert (len(data.units), int(data.retailer.max()) + 1) == (5_555, 88)
    found = cheese.figures(data)
    assert found.retailers.value == pytest.approx(-2.388, abs=0.002)
    assert found.display.value == pytest.approx(0.914, abs=0.002)
    assert found.naive.value == pytest.approx(-1.332, abs=0.002)
    assert found.retailers.upper < found.naive.value
    assert abs(found.drawn.value - found.retailers.value) < 0.3
    assert found.own.lower > 0.5


@pytest.mark.parametrize(("kind", "elasticity", "rows"), [("conventional", -0.950, 7_605), ("organic", -1.377, 7_602)])
def test_avocado__with_effects_of_regions_and_weeks__has_the_elasticity_that_is_known(
    real_data: Path, kind: str, elasticity: float, rows: int
):
    panel = avocado.read(real_data, kind)
    assert (panel.items, len(panel)) == (45, rows)
    found = avocado.figures(panel)
    assert found.fixed.value == pytest.approx(elasticity, abs=0.02)
    assert found.drawn.lower < found.drawn.value < found.drawn.upper < -0.8
    assert found.own.lower > 0.8
    assert found.beside.lower > 0.3


def test_online_retail__discounts_for_quantity__are_recognised(real_data: Path):
    lines = online_retail.read(real_data)
    assert lines.items == 1_361
    found = online_retail.figures(lines)
    assert -2.1 < found.naive.value < -1.7
    assert found.listed.value > found.naive.value + 0.8
    assert found.bulk.slope < 0.0
    assert found.bulk.explained > 0.1
    assert found.bulk.mixed_days > 0.1
    assert found.flagged > 0.2


def test_online_retail__its_daily_sums__show_the_discounts_by_themselves(real_data: Path):
    lines = online_retail.read(real_data)
    panel = online_retail.daily_panel(lines)
    assert float(np.exp(lines.pieces).sum()) == pytest.approx(panel.units.sum())
    assert set(np.unique(panel.item)) == set(range(lines.items))
    flags = find_doubts(panel).flags
    assert np.count_nonzero(flags & Doubt.BULK_DISCOUNTS) > 200


def test_evaluate__recorded_data__writes_every_table(real_data: Path):
    told: list[str] = []
    text = markdown(evaluate(real_data, quick=True, tell=told.append))
    for title in (
        "## Pricing",
        "### Cheese",
        "### Avocado",
        "### Online Retail: recognised as confounded",
        "### Files",
    ):
        assert title in text
    assert "-2.39 [" in text
    assert "no elasticity" in text
    assert len(told) == 4


def test_evaluate__no_data__says_what_is_missing(tmp_path: Path):
    with pytest.raises(RecordedDataMissing, match="cheese"):
        evaluate(tmp_path, quick=True, tell=lambda _: None)
