"""When stores were randomised and rows are customers, errors come from stores: rows would claim too much."""

from pathlib import Path

import numpy as np
import pytest

from experiments.analysis.scorecard import Comparison
from experiments.queries.looks import latest_look
from experiments.vocabulary import VerdictState
from tests.experiments.recorded.material import make_manifest, write_csv
from tests.fixtures.recorded import import_files
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db

STORES, CUSTOMERS, ICC = 300, 20, 0.2
SALES = [{"name": "sales", "kind": "money", "column": "y", "role": "DECISION"}]


def rows(seed: int) -> list[str]:
    """Return sales of customers that vary as much between stores as the ICC says; the arms do not differ."""
    dice = np.random.default_rng(seed)
    store = np.sqrt(ICC) * dice.standard_normal(STORES)
    own = np.sqrt(1 - ICC) * dice.standard_normal((STORES, CUSTOMERS))
    sales = 50 + 10 * (store[:, None] + own)
    return [f"s{s},{'ab'[s % 2]},{sales[s, c]:.2f}" for s in range(STORES) for c in range(CUSTOMERS)]


def look(path: Path, columns: dict[str, str], key: str, **parts: bool) -> tuple[Comparison, VerdictState, list[int]]:
    experiment = {"key": key, "name": key, "hypothesis": "None: the arms are the same."}
    (imported,) = import_files(make_manifest(columns=columns, outcomes=SALES, experiment=experiment, **parts), path)
    found = latest_look(imported.experiment_id)
    assert found is not None
    counts = [count.units for count in found.scorecard.variants]
    return found.scorecard.comparison("sales", "treatment"), found.verdict.state, counts


def test_clusters__arms_that_do_not_differ__rows_claim_a_difference_and_clusters_do_not(tmp_path: Path):
    make_project()
    path = write_csv(tmp_path, *rows(seed=6), header="store,arm,y")
    naive, naive_state, naive_counts = look(path, {"variant": "arm"}, "naive", rows_are_units=True)
    clustered, state, counts = look(path, {"variant": "arm", "cluster": "store"}, "clustered")
    assert naive_counts == [STORES * CUSTOMERS // 2] * 2
    assert counts == [STORES // 2] * 2
    assert clustered.absolute.value == pytest.approx(naive.absolute.value, abs=1e-9)
    assert naive.absolute.se is not None
    assert clustered.absolute.se is not None
    design_effect = 1 + (CUSTOMERS - 1) * ICC
    assert clustered.absolute.se / naive.absolute.se == pytest.approx(np.sqrt(design_effect), rel=0.1)
    assert naive.p_value is not None
    assert clustered.p_value is not None
    assert naive.p_value < 0.001
    assert clustered.p_value > 0.05
    assert (naive_state, state) == (VerdictState.SHIP, VerdictState.INCONCLUSIVE)
