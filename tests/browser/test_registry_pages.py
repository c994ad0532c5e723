"""Versions side by side, lineage, shadow mode and giving an alias, in a real browser."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from models_registry.actions.training import Candidate, begin_run, end_run
from models_registry.gates import POPULARITY, Calibration, Evaluation, GateRule, Latency, judge, sliced
from models_registry.queries.aliases import holder_of
from models_registry.vocabulary import AliasName, PredictorKind
from tests.browser.conftest import OpenVisit, no_complaints
from tests.decisions.reports.scene import Scene, busy_shop
from tests.fixtures import registry
from tests.fixtures.records import NOW

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATHS = (
    "/m/home-ranking",
    "/m/home-ranking/2",
    "/m/home-ranking/3",
    "/m/home-ranking/versions/diff?a=1&b=3",
    "/m/home-ranking/1/lineage",
)
NARROWEST = 360


def judged_version(scene: Scene) -> int:
    """Return the id of a version whose gate judged all that a gate can judge."""
    rng = np.random.default_rng(6)
    reference = rng.uniform(size=400)
    candidate = reference + 0.03 + rng.normal(0, 0.05, 400)
    new = np.arange(400) < 90
    references = {POPULARITY: reference}
    evaluation = Evaluation(
        {"ndcg_at_10": 0.19, "popularity_ndcg_at_10": 0.15, "importance_price": 0.4},
        candidate,
        references,
        calibration=Calibration(12_000, 410.0, 402.0, 0.004, 0.003),
        slices=sliced(candidate, references, {"new": new, "returning": ~new, "kitchen": np.arange(400) < 20}),
        violations={"eligible": 0, "different": 0, "complete": 0},
        slates=400,
        latency=Latency(500, 0.4, 1.9, "x86_64, 2 cores, Python 3.11.7"),
        size=1_204_000,
    )
    gate = judge(evaluation, GateRule(latency_ms=15.0, size_mb=20.0, champion_margin=None))
    run_id = registry.make_run(scene.model, recipe="two_tower", parameters={"epochs": 20})
    begin_run(run_id=run_id, code_revision=registry.REVISION, now=NOW)
    registered = Candidate(
        kind=PredictorKind.POPULARITY,
        artifact=registry.popularity_artifact(first=3.0),
        signature={"inputs": [], "tensors": {"popularity": {"shape": [5], "dtype": "float32"}}},
        metrics=evaluation.metrics,
        gate=gate.as_json(),
        dataset={"rows": 120_431, "sha256": "c0ffee" + "0" * 58},
    )
    made = end_run(run_id=run_id, candidate=registered, now=NOW)
    assert made is not None
    return made


def test_pages__of_the_registry__are_accessible_fit_narrow_screens_and_give_an_alias(
    visit: OpenVisit,
) -> None:
    scene = busy_shop(timezone.now())
    version = judged_version(scene)
    tab = visit(locale="en-GB", color_scheme="light")
    tab.log_in()
    with no_complaints(tab):
        page = tab.go("/m/home-ranking/3")
        page.select_option("select[name=alias]", "shadow")
        page.fill("input[name=reason]", "Watch the new towers for a week")
        page.click("button:has-text('Give it')")
        page.wait_for_selector("text=v3 has the alias Shadow now.")
        assert holder_of(scene.model, AliasName.SHADOW) == version
        for number, (overlap, rank) in enumerate([(0.6, 0.5), (0.5, 0.33), (0.7, 0.6)]):
            registry.log_decision(
                scene.project,
                decision_id=f"watched-{number}",
                at=timezone.now(),
                version=scene.first,
                shadow={"version": version, "overlap": overlap, "rank": rank, "ms": 1.2 + number},
            )
        axe = Axe()
        for path in PATHS:
            page = tab.go(path)
            results = axe.run(page)
            assert results.violations_count == 0, f"{path}\n{results.generate_report()}"
            page.set_viewport_size({"width": NARROWEST, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST, path
            page.set_viewport_size({"width": 1360, "height": 900})
        page = tab.go("/m/home-ranking")
        page.fill("input[name=reason]", "Seen enough")
        page.click("button:has-text('End it')")
        page.wait_for_selector("text=Nobody has the alias Shadow now.")
        assert holder_of(scene.model, AliasName.SHADOW) is None
