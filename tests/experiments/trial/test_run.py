"""A whole try-out: rehearsals without an effect, what a test would find, and logs that are too small for either."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from experiments.analysis.plan import SequentialMethod
from experiments.recorded.workspace import opened_workspace
from experiments.trial.detectable import findable_by_week
from experiments.trial.orders import read_orders
from experiments.trial.ours import Share, judge_share
from experiments.trial.rehearsal import rehearse
from experiments.trial.run import Findings, Request, try_out
from experiments.trial.sentences import findings_text
from experiments.trial.usual import Method, usual_methods
from tests.experiments.trial.material import START, orders, write_lines, write_orders


def tried(path: Path, folder: Path, **more) -> Findings:
    return try_out(Request(path, **{"scale": 0.02, "workers": 1, **more}), workspaces=folder, progress=lambda _: None)


@pytest.mark.slow
def test_try_out__a_shop__finds_and_tells_everything(tmp_path: Path):
    path = write_orders(tmp_path / "log.csv", orders(900))
    test = write_lines(tmp_path / "test.csv", "variant,users,conversions", "control,1000,50", "new,1000,60")
    found = tried(path, tmp_path / "work", last_test=test)
    assert found.too_small is None
    assert {each.method for each in found.ours} == {method for method in Method if method.startswith("OURS")}
    assert [each.tests for each in found.usual] == [80] * 4
    assert all(each.lower <= each.share <= each.upper for each in (*found.usual, *found.ours))
    weeks = [week.weeks for week in found.by_week]
    assert weeks[0] == 1
    assert weeks == sorted(weeks)
    text = findings_text(found)
    for part in ("WHAT WAS READ", "FALSE ALARMS ON YOUR OWN DATA", "WHAT A TEST WOULD FIND", "YOUR LAST TEST"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 115
    assert not list((tmp_path / "work").iterdir())


@pytest.mark.slow
def test_try_out__same_seed__finds_the_same_whatever_the_workers(tmp_path: Path):
    path = write_orders(tmp_path / "log.csv", orders())
    alone = tried(path, tmp_path / "work", scale=0.01)
    assert tried(path, tmp_path / "work", scale=0.01, workers=2) == alone
    assert tried(path, tmp_path / "work", scale=0.01, seed=2).usual != alone.usual


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (orders(5, 30)[:10], "a rehearsal takes"),
        ([(str(n), "only", START + timedelta(days=n), 10.0) for n in range(120)], "1 customers ordered before"),
        (orders(400, 20), "The log covers 20 days; a rehearsal takes 35 or more"),
        ([(f"{n}", f"k{n}", START + timedelta(days=n % 60), 5.0) for n in range(900)], "Only 0 of"),
    ],
)
def test_try_out__log_too_small__says_why_and_still_tells_what_was_read(tmp_path: Path, rows, told):
    found = tried(write_orders(tmp_path / "log.csv", rows), tmp_path / "work")
    assert found.rehearsed is None
    assert found.too_small is not None
    assert told in found.too_small
    text = findings_text(found)
    assert "WHAT WAS READ" in text
    assert f"Not computed: {found.too_small}" in " ".join(text.split())


def test_usual_methods__customers_with_prices_of_their_own__peeking_and_dependent_orders_err(tmp_path: Path):
    with opened_workspace(tmp_path / "work") as workspace:
        log = read_orders(write_orders(tmp_path / "log.csv", orders(1_500)), workspace)
    found = {
        each.method: each for each in usual_methods(rehearse(log, seed=3), tests=2_000, seed=3, progress=lambda _: None)
    }
    assert found[Method.ORDERS].lower > 0.15
    assert found[Method.PEEK_CONVERSION].lower > 0.15
    assert found[Method.PEEK_REVENUE].lower > 0.12
    assert Method.LINES not in found


@pytest.mark.slow
def test_our_methods__no_effect__err_as_often_as_planned(tmp_path: Path):
    with opened_workspace(tmp_path / "work") as workspace:
        log = read_orders(write_orders(tmp_path / "log.csv", orders(1_500)), workspace)
    test = rehearse(log, seed=3)
    single = judge_share(test, Share(SequentialMethod.FIXED_HORIZON, 0, 800, 3))
    for method in (Method.OURS_CONVERSION, Method.OURS_REVENUE, Method.OURS_ORDER_VALUE):
        assert 0.025 < single[method] / 800 < 0.08
    endless = judge_share(test, Share(SequentialMethod.CONFIDENCE_SEQUENCE, 0, 60, 3))
    assert max(endless.values(), default=0) <= 5
    planned = judge_share(test, Share(SequentialMethod.GROUP_SEQUENTIAL, 0, 30, 3))
    assert max(planned.values(), default=0) <= 5


def test_findable_by_week__longer_and_with_history__finds_less_for_order_rates_that_persist(tmp_path: Path):
    with opened_workspace(tmp_path / "work") as workspace:
        log = read_orders(write_orders(tmp_path / "log.csv", orders(3_000, 200)), workspace)
    found = findable_by_week(log)
    assert [week.weeks for week in found] == [1, 2, 4, 8]
    rates = [week.metrics[0] for week in found]
    assert [rate.metric for rate in rates] == ["conversion"] * 4
    assert all(earlier.plain > later.plain for earlier, later in pairwise(rates))
    assert all(rate.adjusted < rate.plain for rate in rates)
    assert rates[-1].explained > 0.03
    bought = np.unique(log.customer[log.day >= log.days - 7]).size / found[0].customers
    assert rates[0].mean == pytest.approx(bought, rel=0.1)
