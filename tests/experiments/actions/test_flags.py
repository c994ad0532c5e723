import pytest
from django.core.exceptions import ValidationError

from experiments.actions import lifecycle
from experiments.actions.design import KeyTaken, VariantDraft, create_layer
from experiments.actions.flags import (
    FlagDefinition,
    FlagInUse,
    FlagUnknown,
    FlagValueInvalid,
    change_flag,
    create_flag,
)
from experiments.launch_checks import LaunchRefused
from experiments.models import Flag
from experiments.queries.bundles import bundle_parts
from foundation.models import JournalEntry, Project
from tests.fixtures.records import ACTOR, NOW, make_draft, make_project, make_running

pytestmark = pytest.mark.django_db


def make_flag(project_id: int, key: str = "banner", **changes: object) -> int:
    values = {"name": "Banner", "kind": "BOOLEAN", "default": False, **changes}
    definition = FlagDefinition(key=key, **values)
    return create_flag(project_id=project_id, definition=definition, acting_user=ACTOR, now=NOW)


def change(flag_id: int, **changes: object) -> None:
    values = {"name": "Banner", "default": False, "layer_id": None, **changes}
    change_flag(flag_id=flag_id, acting_user=ACTOR, now=NOW, **values)


def make_layer(project_id: int, key: str = "checkout") -> int:
    return create_layer(project_id=project_id, key=key, name=key.title(), acting_user=ACTOR, now=NOW)


def halves(**treatment: object) -> tuple[VariantDraft, ...]:
    return (
        VariantDraft("control", "Control", 500_000, control=True),
        VariantDraft("treatment", "Treatment", 500_000, parameters=treatment),
    )


def revision_of(project_id: int) -> int:
    return int(Project.objects.get(pk=project_id).revision)


def state_of(project_id: int) -> tuple[object, ...]:
    flags = tuple(Flag.objects.order_by("pk").values_list("key", "name", "kind", "default", "layer"))
    return flags, JournalEntry.objects.count(), revision_of(project_id)


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("BOOLEAN", True),
        ("STRING", ""),
        ("INTEGER", 0),
        ("FLOAT", 20),
        ("FLOAT", 19.99),
        ("OBJECT", {}),
        ("OBJECT", {"a": [1, 2.5, None]}),
    ],
)
def test_create_flag__value_of_its_type__is_journalled_and_in_the_next_bundle(kind: str, default: object) -> None:
    project_id = make_project()
    before = revision_of(project_id)
    flag_id = make_flag(project_id, kind=kind, default=default)
    assert revision_of(project_id) == before + 1
    entry = JournalEntry.objects.latest("pk")
    assert (entry.action, entry.subject, entry.actor) == ("flag.create", "flag:banner", ACTOR)
    assert entry.after == {"name": "Banner", "kind": kind, "default": default, "layer": None}
    assert bundle_parts(project_id)["flags"] == [{"key": "banner", "kind": kind, "default": default, "layer": None}]
    assert Flag.objects.get(pk=flag_id).default == default


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("BOOLEAN", 0),
        ("STRING", 5),
        ("INTEGER", 2.0),
        ("INTEGER", True),
        ("FLOAT", False),
        ("OBJECT", []),
        ("FLOAT", None),
    ],
)
def test_create_flag__value_of_another_type__is_refused_and_nothing_changes(kind: str, default: object) -> None:
    project_id = make_project()
    before = state_of(project_id)
    with pytest.raises(FlagValueInvalid, match="must be"):
        make_flag(project_id, kind=kind, default=default)
    assert state_of(project_id) == before


@pytest.mark.parametrize("changes", [{"key": "Banner!"}, {"kind": "DATE"}, {"name": ""}])
def test_create_flag__fields_at_fault__are_refused_and_nothing_changes(changes: dict[str, str]) -> None:
    project_id = make_project()
    before = state_of(project_id)
    with pytest.raises(ValidationError):
        make_flag(project_id, **changes)
    assert state_of(project_id) == before


def test_create_flag__key_that_is_taken__is_refused_and_nothing_changes() -> None:
    project_id = make_project()
    make_flag(project_id)
    before = state_of(project_id)
    with pytest.raises(KeyTaken):
        make_flag(project_id, kind="STRING", default="x")
    assert state_of(project_id) == before


def test_create_flag__layer_of_another_project__is_refused() -> None:
    project_id, other = make_project(), make_project(key="other")
    with pytest.raises(FlagInUse, match="another project"):
        make_flag(project_id, layer_id=make_layer(other))
    assert not Flag.objects.exists()


def test_create_flag__running_experiments_already_use_the_name_otherwise__is_refused() -> None:
    project_id = make_project()
    make_running(project_id, variants=halves(banner="yes", rank=5, title="a"))
    make_running(project_id, key="second", variants=halves(title="b"))
    layer_id = make_layer(project_id)
    before = state_of(project_id)
    for key, definition, fault in (
        ("banner", {}, "The value of banner in variant treatment of experiment button must be true or false"),
        ("rank", {"kind": "INTEGER", "default": 1, "layer_id": layer_id}, "not of the layer"),
        ("title", {"kind": "STRING", "default": ""}, "button and second"),
    ):
        with pytest.raises(FlagInUse, match=fault):
            make_flag(project_id, key, **definition)
    assert state_of(project_id) == before
    make_flag(project_id, "rank", kind="INTEGER", default=1)


def test_change_flag__default_name_and_layer__are_journalled_and_published() -> None:
    project_id = make_project()
    flag_id, layer_id = make_flag(project_id), make_layer(project_id)
    before = revision_of(project_id)
    change(flag_id, name="The banner", default=True, layer_id=layer_id)
    assert revision_of(project_id) == before + 1
    entry = JournalEntry.objects.latest("pk")
    assert entry.action == "flag.edit"
    assert entry.before == {"name": "Banner", "kind": "BOOLEAN", "default": False, "layer": None}
    assert entry.after == {"name": "The banner", "kind": "BOOLEAN", "default": True, "layer": layer_id}
    assert bundle_parts(project_id)["flags"][0]["layer"] == layer_id


def test_change_flag__nothing_new__changes_nothing() -> None:
    project_id = make_project()
    flag_id = make_flag(project_id, kind="FLOAT", default=1)
    before = state_of(project_id)
    change(flag_id, default=1)
    assert state_of(project_id) == before
    change(flag_id, default=1.5)
    assert revision_of(project_id) == before[2] + 1  # type: ignore[operator]


def test_change_flag__at_fault__is_refused_and_nothing_changes() -> None:
    project_id = make_project()
    flag_id = make_flag(project_id)
    make_running(project_id, variants=halves(banner=True))
    layer_id = make_layer(project_id)
    before = state_of(project_id)
    with pytest.raises(FlagValueInvalid):
        change(flag_id, default=0)
    with pytest.raises(FlagInUse, match="button"):
        change(flag_id, layer_id=layer_id)
    with pytest.raises(ValidationError):
        change(flag_id, name="")
    with pytest.raises(FlagUnknown):
        change(flag_id + 1)
    assert state_of(project_id) == before


def test_launch__flag_of_another_layer_or_type__is_refused_with_what_to_do() -> None:
    project_id = make_project()
    layer_id = make_layer(project_id)
    make_flag(project_id, "banner", layer_id=layer_id)
    make_flag(project_id, "rank", kind="FLOAT", default=20)
    experiment_id = make_draft(project_id, variants=halves(banner=True, rank="cheap", other="free"))
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    with pytest.raises(LaunchRefused) as refused:
        lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    assert [(problem.code, problem.message) for problem in refused.value.problems] == [
        ("FLAG_LAYER", "The parameter banner is a flag of layer checkout, and it has none."),
        ("FLAG_VALUE", "The value of flag rank in variant treatment must be a finite number."),
    ]
    assert all(problem.fix for problem in refused.value.problems)


def test_launch__flag_of_its_own_layer__starts() -> None:
    project_id = make_project()
    layer_id = make_layer(project_id)
    make_flag(project_id, layer_id=layer_id)
    make_running(project_id, variants=halves(banner=True), layer_id=layer_id, layer_ranges=((0, 500_000),))
    make_running(
        project_id, key="second", variants=halves(banner=True), layer_id=layer_id, layer_ranges=((500_000, 1_000_000),)
    )


def test_launch__flag_without_layer_that_another_sets__is_refused_until_that_is_stopped() -> None:
    project_id = make_project()
    make_flag(project_id)
    first = make_running(project_id, variants=halves(banner=True))
    second = make_draft(project_id, key="second", variants=halves(banner=True))
    lifecycle.submit(experiment_id=second, acting_user=ACTOR, now=NOW)
    with pytest.raises(LaunchRefused, match="set by experiment button"):
        lifecycle.launch(experiment_id=second, acting_user=ACTOR, now=NOW)
    lifecycle.pause(experiment_id=first, acting_user=ACTOR, now=NOW)
    with pytest.raises(LaunchRefused) as refused:
        lifecycle.launch(experiment_id=second, acting_user=ACTOR, now=NOW)
    assert [problem.code for problem in refused.value.problems] == ["FLAG_TAKEN"]
    lifecycle.stop(experiment_id=first, acting_user=ACTOR, now=NOW, reason="done")
    lifecycle.launch(experiment_id=second, acting_user=ACTOR, now=NOW)
