"""Two real order logs through the try-out: what is read, and that usual ways err on them and ours do not.

Their folder is named by TILTYARD_REAL_DATA; docs/setup.md says where the files come from.
"""

from datetime import date
from pathlib import Path

import pytest

from experiments.trial.run import Findings, Request, try_out
from experiments.trial.usual import FalsePositives, Method
from experiments.vocabulary import VerdictState

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


def tried(orders: Path, folder: Path, **more) -> Findings:
    return try_out(Request(orders, **{"scale": 0.1, **more}), workspaces=folder, progress=lambda _sentence: None)


def of(found: Findings, method: Method) -> FalsePositives:
    (each,) = [each for each in (*found.usual, *found.ours) if each.method is method]
    return each


def test_try__online_retail__order_lines_are_no_observations_and_peeking_errs(real_data: Path, tmp_path: Path):
    found = tried(real_data / "rec" / "online_retail.parquet", tmp_path)
    read = found.read
    assert (read.lines, read.left_out) == (541_909, {"no customer": 135_080})
    assert (read.first, read.last) == (date(2010, 12, 1), date(2011, 12, 9))
    # net of all cancellations, of customers who are known
    assert read.revenue == pytest.approx(8_300_065.81, abs=0.01)
    assert (read.orders, read.undone_orders) == (18_388, 148)
    assert of(found, Method.LINES).lower > 0.5
    assert of(found, Method.ORDERS).lower > 0.15
    assert of(found, Method.PEEK_CONVERSION).lower > 0.15
    for method in (Method.OURS_CONVERSION, Method.OURS_REVENUE, Method.OURS_ORDER_VALUE):
        assert of(found, method).lower < 0.05
    revenue = next(metric for metric in found.by_week[-1].metrics if metric.metric == "revenue")
    assert revenue.explained > 0.4


def test_try__cdnow__text_with_spaces_is_read_and_an_uneven_test_judged(real_data: Path, tmp_path: Path):
    found = tried(
        real_data / "behaviour" / "cdnow_master.txt.gz",
        tmp_path,
        last_test=real_data / "ab" / "marketing_ad_psa_2pct.csv.gz",
        shares={"ad": 96.0, "psa": 4.0},
    )
    read = found.read
    assert (read.lines, read.customers, read.zero_orders) == (69_659, 23_570, 80)
    assert read.revenue == pytest.approx(2_500_315.63, abs=0.01)
    assert (read.first, read.last) == (date(1997, 1, 1), date(1998, 6, 30))
    assert of(found, Method.ORDERS).lower > 0.05
    assert found.opinion is not None
    (compared,) = found.opinion.comparisons()
    assert compared.p_value == pytest.approx(0.0417, abs=5e-5)
    assert found.opinion.verdict.state is VerdictState.SHIP
    assert found.opinion.scorecard.check("SAMPLE_RATIO").figures["p"] == pytest.approx(0.760, abs=5e-4)
