"""Shadow and challenger: set and cleared with a reason; the champion and what serves are never touched."""

import pytest

from decisions.actions.shadow import AliasByPromotion, VersionNotAccepted, VersionServes, clear_role, set_role
from foundation.models import JournalEntry
from models_registry.actions.aliases import ReasonMissing
from models_registry.models import AliasMove
from models_registry.queries.aliases import holder_of
from models_registry.queries.versions import VersionUnknown
from models_registry.vocabulary import AliasName
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_champion, make_model, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def model_id() -> int:
    return make_model(make_project())


def act(version_id: int, name: AliasName, reason: str = "to watch it") -> int:
    return set_role(version_id=version_id, name=name, acting_user=ACTOR, now=NOW, reason=reason)


@pytest.mark.parametrize("name", [AliasName.SHADOW, AliasName.CHALLENGER])
def test_set_and_clear__with_a_reason__move_the_alias_and_leave_the_champion(model_id, name):
    champion, other = make_version(model_id, first=1.0), make_version(model_id, first=2.0)
    make_champion(champion)
    act(other, name)
    assert holder_of(model_id, name) == other
    assert JournalEntry.objects.latest("sequence").reason == "to watch it"
    clear_role(model_id=model_id, name=name, acting_user=ACTOR, now=NOW, reason="seen enough")
    assert holder_of(model_id, name) is None
    assert holder_of(model_id, AliasName.CHAMPION) == champion


def test_set__champion__is_refused_and_changes_nothing(model_id):
    version = make_version(model_id)
    moves = AliasMove.objects.count()
    with pytest.raises(AliasByPromotion):
        act(version, AliasName.CHAMPION)
    with pytest.raises(AliasByPromotion):
        clear_role(model_id=model_id, name=AliasName.CHAMPION, acting_user=ACTOR, now=NOW, reason="away with it")
    assert AliasMove.objects.count() == moves


def test_set__what_did_not_pass_its_gate__is_no_challenger_but_may_be_watched(model_id):
    version = make_version(model_id, passed=False)
    with pytest.raises(VersionNotAccepted):
        act(version, AliasName.CHALLENGER)
    assert holder_of(model_id, AliasName.CHALLENGER) is None
    act(version, AliasName.SHADOW)
    assert holder_of(model_id, AliasName.SHADOW) == version


def test_set__the_champion_itself__is_refused(model_id):
    version = make_version(model_id)
    make_champion(version)
    with pytest.raises(VersionServes):
        act(version, AliasName.SHADOW)
    assert holder_of(model_id, AliasName.SHADOW) is None


def test_set_and_clear__without_a_reason_or_a_holder__are_refused(model_id):
    version = make_version(model_id)
    with pytest.raises(ReasonMissing):
        act(version, AliasName.SHADOW, reason=" ")
    with pytest.raises(VersionUnknown):
        clear_role(model_id=model_id, name=AliasName.SHADOW, acting_user=ACTOR, now=NOW, reason="nobody is")
    with pytest.raises(VersionUnknown):
        act(version + 1_000_000, AliasName.SHADOW)
    assert holder_of(model_id, AliasName.SHADOW) is None
