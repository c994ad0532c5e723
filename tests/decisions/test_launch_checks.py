"""An experiment at a decision point starts only where its policies hold."""

import pytest

from decisions.actions.points import PolicyDraft, bind_experiment
from decisions.domain import PolicyKind
from experiments.actions.design import create_layer
from experiments.actions.lifecycle import launch, launch_problems, submit
from experiments.launch_checks import LaunchRefused
from experiments.models import Experiment, Variant
from models_registry.models import ArtifactChunk
from tests.experiments.reports import material
from tests.fixtures.records import ACTOR, make_project
from tests.fixtures.registry import (
    make_champion,
    make_decision_draft,
    make_decision_experiment,
    make_model,
    make_point,
    make_version,
)

pytestmark = pytest.mark.django_db
BASELINE = PolicyDraft(PolicyKind.BASELINE)


class Shop:
    def __init__(self) -> None:
        self.project = make_project(now=material.START)
        self.model = make_model(self.project)
        self.point = make_point(self.project, self.model)
        self.version = make_version(self.model)

    def draft(self, **changes) -> int:
        return make_decision_draft(self.project, self.point, self.version, **changes)

    def bind(self, experiment: int, **policies: PolicyDraft) -> None:
        bind_experiment(
            experiment_id=experiment, point_id=self.point, policies=policies, acting_user=ACTOR, now=material.START
        )


@pytest.fixture
def shop() -> Shop:
    return Shop()


def codes(experiment: int) -> set[str]:
    return {problem.code for problem in launch_problems(experiment)}


def test_checks__sound_design__finds_nothing(shop):
    assert codes(shop.draft()) == set()


def test_checks__version_of_another_model__is_told(shop):
    foreign = make_version(make_model(shop.project, key="other"))
    draft = shop.draft()
    shop.bind(draft, control=BASELINE, treatment=PolicyDraft(PolicyKind.MODEL_RANKED, foreign))
    assert codes(draft) == {"VERSION_FOREIGN"}


def test_checks__gate_not_passed__is_told(shop):
    draft = shop.draft()
    refused = make_version(shop.model, passed=False, first=3.0)
    shop.bind(draft, control=BASELINE, treatment=PolicyDraft(PolicyKind.MODEL_RANKED, refused))
    assert codes(draft) == {"GATE_NOT_PASSED"}


def test_checks__control_is_not_what_serves__is_told(shop):
    draft = shop.draft()
    make_champion(make_version(shop.model, first=2.0))
    assert codes(draft) == {"CONTROL_NOT_CHAMPION"}


def test_checks__no_variant_is_control__is_told_by_the_design_alone(shop):
    draft = shop.draft()
    Variant.objects.filter(experiment_id=draft).update(is_control=False)
    found = codes(draft)
    assert found
    assert "CONTROL_NOT_CHAMPION" not in found


def test_checks__model_reads_history_without_saying_so__is_told(shop):
    assert codes(shop.draft(personalised=False)) == {"NOT_MARKED_PERSONAL"}


def test_checks__unit_that_the_domain_does_not_decide_for__is_told(shop):
    assert codes(shop.draft(unit_kind="store")) == {"UNIT_NOT_OF_DOMAIN"}


def test_checks__artifact_lost__is_told_and_the_launch_refused(shop):
    draft = shop.draft()
    with_chunks = ArtifactChunk.objects
    assert with_chunks.exists()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE models_registry_artifactchunk DISABLE TRIGGER artifacts_are_append_only")
        cursor.execute("UPDATE models_registry_artifactchunk SET content = set_byte(content, 200, 1)")
        cursor.execute("ALTER TABLE models_registry_artifactchunk ENABLE TRIGGER artifacts_are_append_only")
    assert codes(draft) == {"ARTIFACT"}
    submit(experiment_id=draft, acting_user=ACTOR, now=material.START)
    with pytest.raises(LaunchRefused):
        launch(experiment_id=draft, acting_user=ACTOR, now=material.START)
    assert Experiment.objects.get(pk=draft).status == "IN_REVIEW"


def test_checks__another_experiment_decides_there__only_a_shared_layer_lets_both_run(shop):
    layer = create_layer(project_id=shop.project, key="home", name="Home", acting_user=ACTOR, now=material.START)
    make_decision_experiment(
        shop.project, shop.point, shop.version, key="first", layer_id=layer, layer_ranges=[(0, 500_000)]
    )
    assert codes(shop.draft(key="second")) == {"POINT_TAKEN"}
    beside = shop.draft(key="third", layer_id=layer, layer_ranges=[(500_000, 1_000_000)])
    assert codes(beside) == set()
