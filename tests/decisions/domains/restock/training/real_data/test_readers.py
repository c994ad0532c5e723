"""Recorded demand, read as its publishers describe it."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from decisions.domain_reports import RecordedDataMissing
from decisions.domains.restock.training.real_data.readers import (
    DAILY,
    SUPPLY_GRAPH,
    WEEKLY,
    read_daily,
    read_supply_graph,
    read_weekly,
)


def test_read_weekly__the_file__has_the_products_and_pieces_that_are_known(real_data: Path):
    found = read_weekly(real_data)
    assert found.panel.units.shape == (811, 52)
    assert found.panel.units.sum() == 375_287
    assert (found.panel.units == 0.0).mean() == pytest.approx(0.28215, abs=1e-5)
    assert found.origins == (40, 43, 46, 49)


def test_read_supply_graph__two_columns_of_one_name__are_two_series(real_data: Path):
    found = read_supply_graph(real_data).panel
    assert found.units.shape == (41, 221)
    assert found.units.sum() == pytest.approx(7_753_183.79, abs=0.01)
    twins = [place for place, name in enumerate(found.ids) if "POP001L12P" in name]
    assert len(twins) == 2
    assert not np.allclose(found.units[twins[0]], found.units[twins[1]])
    assert found.phase == 6


def test_read_daily__days_that_are_left_out__are_not_known(real_data: Path):
    found = read_daily(real_data).panel
    assert found.known[-1].sum() == 60
    assert found.steps == 63
    target = found.units[-1][found.known[-1]]
    assert target.mean() == pytest.approx(300.873, abs=1e-3)
    assert (target.min(), target.max()) == (129.412, 616.453)
    assert found.phase == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (WEEKLY, "Product_Code,W0\nP1,3\n"),
        (SUPPLY_GRAPH, "Date,A\n2023-01-01,three\n"),
        (SUPPLY_GRAPH, "Date,A\n2023-01-01,-3\n"),
        (SUPPLY_GRAPH, "Date,A\n"),
        (DAILY, "a;b\n1;2\n"),
    ],
)
def test_readers__another_file__is_refused(tmp_path: Path, name: str, text: str):
    (tmp_path / "demand").mkdir()
    with gzip.open(tmp_path / name, "wt") as file:
        file.write(text)
    reader = {WEEKLY: read_weekly, SUPPLY_GRAPH: read_supply_graph, DAILY: read_daily}[name]
    with pytest.raises(RecordedDataMissing):
        reader(tmp_path)


@pytest.mark.parametrize("reader", [read_weekly, read_supply_graph, read_daily])
def test_readers__no_file__says_so(tmp_path: Path, reader):
    with pytest.raises(RecordedDataMissing, match="cannot be read"):
        reader(tmp_path)
