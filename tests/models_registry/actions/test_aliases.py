"""Aliases move with a reason, for the audience that was tested, and go back to exactly what was."""

import pytest

from foundation.models import JournalEntry, Project
from models_registry.actions.aliases import MoveNotLatest, ReasonMissing, Scope, move_alias, take_back, widen_alias
from models_registry.models import AliasMove
from models_registry.queries.aliases import Holder, holder_of, holders_of, moves_of
from models_registry.queries.versions import VersionUnknown
from models_registry.vocabulary import AliasName
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_model, make_version

pytestmark = pytest.mark.django_db

CHINA = {"attribute": "country", "operator": "equals", "value": "CN"}


@pytest.fixture
def model_id() -> int:
    return make_model(make_project())


EVERYBODY = Scope()


def move(version_id: int, scope: Scope = EVERYBODY) -> int:
    return move_alias(
        version_id=version_id, name=AliasName.CHAMPION, scope=scope, acting_user=ACTOR, now=NOW, reason="better"
    )


def test_move__for_everybody__replaces_whoever_held_the_alias(model_id):
    first, second = make_version(model_id), make_version(model_id)
    move(first)
    move(second)
    assert holders_of(model_id, AliasName.CHAMPION) == (Holder(second, None, None),)


def test_move__for_an_audience__leaves_the_rest_to_the_one_before(model_id):
    first, second = make_version(model_id), make_version(model_id)
    move(first)
    move(second, Scope(CHINA, "visitor"))
    assert holders_of(model_id, AliasName.CHAMPION) == (Holder(second, CHINA, "visitor"), Holder(first, None, None))


def test_take_back__newest_move__restores_exactly_what_was(model_id):
    first, second = make_version(model_id), make_version(model_id)
    move(first, Scope(CHINA, "visitor"))
    before = holders_of(model_id, AliasName.CHAMPION)
    newest = move(second)
    take_back(move_id=newest, acting_user=ACTOR, now=NOW, reason="worse after all")
    assert holders_of(model_id, AliasName.CHAMPION) == before
    assert moves_of(model_id)[0].undoes == newest


def test_take_back__first_move__leaves_the_baseline(model_id):
    take_back(move_id=move(make_version(model_id)), acting_user=ACTOR, now=NOW, reason="not yet")
    assert holder_of(model_id, AliasName.CHAMPION) is None


def test_take_back__alias_moved_since__is_refused_and_changes_nothing(model_id):
    first = move(make_version(model_id))
    move(make_version(model_id))
    before, moves = holders_of(model_id, AliasName.CHAMPION), AliasMove.objects.count()
    with pytest.raises(MoveNotLatest):
        take_back(move_id=first, acting_user=ACTOR, now=NOW, reason="why not")
    assert (holders_of(model_id, AliasName.CHAMPION), AliasMove.objects.count()) == (before, moves)


def test_widen__champion_of_an_audience__serves_everybody_with_the_reason_journalled(model_id):
    first, second = make_version(model_id), make_version(model_id)
    move(first)
    move(second, Scope(CHINA, "visitor"))
    widen_alias(model_id=model_id, name=AliasName.CHAMPION, acting_user=ACTOR, now=NOW, reason="season is over")
    assert holders_of(model_id, AliasName.CHAMPION) == (Holder(second, None, None),)
    assert JournalEntry.objects.latest("sequence").reason == "season is over"


def test_move__without_a_reason_or_a_version__changes_nothing(model_id):
    version = make_version(model_id)
    revision = Project.objects.get().revision
    with pytest.raises(ReasonMissing):
        move_alias(version_id=version, name=AliasName.CHAMPION, scope=Scope(), acting_user=ACTOR, now=NOW, reason="  ")
    with pytest.raises(VersionUnknown):
        move(version + 1000)
    assert holder_of(model_id, AliasName.CHAMPION) is None
    assert Project.objects.get().revision == revision


def test_move__every_time__moves_the_revision_of_the_project(model_id):
    revision = Project.objects.get().revision
    move(make_version(model_id))
    assert Project.objects.get().revision == revision + 1
