"""Promotion against a real database: one promotion whatever happens, and the exact way back."""

import threading

import pytest
from django.db import DatabaseError, connection, transaction

from decisions.actions.points import PointEdit, edit_point
from decisions.actions.promotion import approve, propose, reject, roll_back, widen
from decisions.models import PromotionProposal
from decisions.promotion import STEPS, HoldReason, ProposalState, StepIllegal
from decisions.queries.promotions import ProposalUnknown, proposal_by_id
from experiments.actions.design import create_layer
from experiments.models import Experiment
from experiments.queries.looks import ScorecardUnknown
from foundation.models import Job, JournalEntry, Project
from models_registry.actions.aliases import MoveNotLatest, ReasonMissing
from models_registry.models import AliasMove
from models_registry.queries.aliases import Holder, holder_of, holders_of
from models_registry.vocabulary import AliasName
from tests.experiments.reports import material
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import (
    make_champion,
    make_decision_experiment,
    make_model,
    make_point,
    make_proposal,
    make_version,
    ship,
)

WORDS = {"acting_user": ACTOR, "now": material.NOW, "reason": "The evidence is clear."}
CHAMPION = AliasName.CHAMPION
CHINA = {"attribute": "country", "op": "in", "value": ["CN"]}


class Shop:
    """A project with a decision point, its model and two versions."""

    def __init__(self) -> None:
        self.project = make_project(now=material.START)
        self.model = make_model(self.project)
        self.point = make_point(self.project, self.model)
        self.first = make_version(self.model)
        self.second = make_version(self.model, first=2.0)


@pytest.fixture
def shop(db: None) -> Shop:
    return Shop()


def rivals(shop: Shop) -> list[int]:
    """Return two open proposals of experiments that share a layer, both against what serves now."""
    layer = create_layer(project_id=shop.project, key="home", name="Home", acting_user=ACTOR, now=material.START)
    halves = ((0, 500_000),), ((500_000, 1_000_000),)
    return [
        make_proposal(shop.project, shop.point, version, key=f"test-{version}", layer_id=layer, layer_ranges=half)
        for version, half in zip((shop.first, shop.second), halves, strict=True)
    ]


def test_approve__point_ranks_by_another_model_now__is_stale(shop):
    proposal = make_proposal(shop.project, shop.point, shop.first)
    other = make_model(shop.project, key="other")
    edit = PointEdit(name="Home", model_id=other, slate_size=20, deadline_ms=30)
    edit_point(point_id=shop.point, edit=edit, acting_user=ACTOR, now=NOW)
    assert approve(proposal_id=proposal, **WORDS) is ProposalState.STALE
    assert AliasMove.objects.count() == 0


def test_approve__open_proposal__moves_the_champion_concludes_and_journals(shop):
    proposal = make_proposal(shop.project, shop.point, shop.first)
    revision = Project.objects.get().revision
    assert approve(proposal_id=proposal, **WORDS) is ProposalState.PROMOTED
    facts = proposal_by_id(proposal)
    assert holders_of(shop.model, CHAMPION) == (Holder(shop.first, None, None),)
    assert (facts.state, facts.decided_by, facts.promotion) == (
        ProposalState.PROMOTED,
        ACTOR,
        AliasMove.objects.get().pk,
    )
    experiment = Experiment.objects.get()
    assert (experiment.status, experiment.conclusion) == ("CONCLUDED", "WON")
    assert JournalEntry.objects.filter(action="promotion.approve", actor=ACTOR).count() == 1
    assert Project.objects.get().revision > revision


def test_roll_back__promoted__restores_the_champion_before_and_only_once(shop):
    make_champion(shop.first, now=material.START)
    proposal = make_proposal(shop.project, shop.point, shop.second)
    before = holders_of(shop.model, CHAMPION)
    approve(proposal_id=proposal, **WORDS)
    assert holder_of(shop.model, CHAMPION) == shop.second
    roll_back(proposal_id=proposal, **WORDS)
    assert holders_of(shop.model, CHAMPION) == before
    assert proposal_by_id(proposal).state is ProposalState.ROLLED_BACK
    moves = AliasMove.objects.count()
    with pytest.raises(StepIllegal):
        roll_back(proposal_id=proposal, **WORDS)
    with pytest.raises(StepIllegal):
        approve(proposal_id=proposal, **WORDS)
    assert (holders_of(shop.model, CHAMPION), AliasMove.objects.count()) == (before, moves)


def test_roll_back__champion_moved_since__is_refused_and_changes_nothing(shop):
    proposal = make_proposal(shop.project, shop.point, shop.first)
    approve(proposal_id=proposal, **WORDS)
    make_champion(shop.second)
    with pytest.raises(MoveNotLatest):
        roll_back(proposal_id=proposal, **WORDS)
    assert holder_of(shop.model, CHAMPION) == shop.second
    assert proposal_by_id(proposal).state is ProposalState.PROMOTED


def test_approve__control_no_longer_champion__is_stale_and_the_champion_stays(shop):
    proposal = make_proposal(shop.project, shop.point, shop.first)
    make_champion(shop.second)
    assert approve(proposal_id=proposal, **WORDS) is ProposalState.STALE
    assert holder_of(shop.model, CHAMPION) == shop.second
    assert proposal_by_id(proposal).state is ProposalState.STALE
    assert Experiment.objects.get().status == "RUNNING"


def test_approve__audience_was_tested__promotes_for_that_audience_until_widened(shop):
    make_champion(shop.first, now=material.START)
    proposal = make_proposal(shop.project, shop.point, shop.second, audience=CHINA)
    approve(proposal_id=proposal, **WORDS)
    assert holders_of(shop.model, CHAMPION) == (Holder(shop.second, CHINA, "visitor"), Holder(shop.first, None, None))
    widen(point_id=shop.point, **{**WORDS, "reason": "It is the same season everywhere."})
    assert holders_of(shop.model, CHAMPION) == (Holder(shop.second, None, None),)
    assert JournalEntry.objects.filter(reason="It is the same season everywhere.").exists()


def test_approve__other_proposals_against_the_old_champion__become_stale(shop):
    one, two = rivals(shop)
    assert approve(proposal_id=one, **WORDS) is ProposalState.PROMOTED
    assert proposal_by_id(two).state is ProposalState.STALE
    with pytest.raises(StepIllegal):
        approve(proposal_id=two, **WORDS)
    assert holder_of(shop.model, CHAMPION) == shop.first


def test_reject__open_proposal__keeps_the_champion_and_the_reason(shop):
    proposal = make_proposal(shop.project, shop.point, shop.first)
    reject(proposal_id=proposal, **WORDS)
    assert holder_of(shop.model, CHAMPION) is None
    assert proposal_by_id(proposal).decision_reason == WORDS["reason"]
    with pytest.raises(StepIllegal):
        approve(proposal_id=proposal, **WORDS)


def test_decisions__without_a_reason_or_a_proposal__change_nothing(shop):
    proposal = make_proposal(shop.project, shop.point, shop.first)
    for step in (approve, reject):
        with pytest.raises(ReasonMissing):
            step(proposal_id=proposal, **{**WORDS, "reason": " "})
        with pytest.raises(ProposalUnknown):
            step(proposal_id=proposal + 99, **WORDS)
    assert proposal_by_id(proposal).state is ProposalState.OPEN
    assert AliasMove.objects.count() == 0


def test_propose__twice_or_by_a_later_look__keeps_the_first_proposal(shop):
    experiment = make_decision_experiment(shop.project, shop.point, shop.first)
    scorecard = ship(experiment)
    first = propose(scorecard_id=scorecard, now=material.NOW)
    assert propose(scorecard_id=scorecard, now=material.NOW) == first
    assert PromotionProposal.objects.count() == 1


def test_propose__version_that_never_ran__is_refused_and_the_champion_stays(shop):
    make_champion(shop.first, now=material.START)
    make_decision_experiment(shop.project, shop.point, shop.second)
    with pytest.raises(ScorecardUnknown):
        propose(scorecard_id=1, now=material.NOW)
    with pytest.raises(ProposalUnknown):
        approve(proposal_id=1, **WORDS)
    assert holder_of(shop.model, CHAMPION) == shop.first
    assert PromotionProposal.objects.count() == 0


def test_propose__champion_changed_during_the_test__holds(shop):
    experiment = make_decision_experiment(shop.project, shop.point, shop.first)
    make_champion(shop.second)
    assert propose(scorecard_id=ship(experiment), now=material.NOW) is HoldReason.CONTROL_NOT_CHAMPION
    assert PromotionProposal.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_approve__by_eight_people_at_once__promotes_once():
    shop = Shop()
    proposal = make_proposal(shop.project, shop.point, shop.first)
    outcomes = together(8, lambda: approve(proposal_id=proposal, **WORDS))
    assert sorted(map(str, outcomes)) == ["PROMOTED", *["StepIllegal"] * 7]
    assert AliasMove.objects.count() == 1
    assert JournalEntry.objects.filter(action="promotion.approve").count() == 1


@pytest.mark.django_db(transaction=True)
def test_approve__two_proposals_against_one_champion_at_once__promotes_one_and_the_other_is_stale():
    shop = Shop()
    proposals = iter(rivals(shop))
    outcomes = together(2, lambda: approve(proposal_id=next(proposals), **WORDS))
    assert set(map(str, outcomes)) <= {"PROMOTED", "STALE", "StepIllegal"}
    assert list(map(str, outcomes)).count("PROMOTED") == 1
    states = PromotionProposal.objects.order_by("state").values_list("state", flat=True)
    assert (list(states), AliasMove.objects.count()) == (["PROMOTED", "STALE"], 1)


@pytest.mark.django_db(transaction=True)
def test_roll_back__clicked_eight_times_at_once__goes_back_once():
    shop = Shop()
    proposal = make_proposal(shop.project, shop.point, shop.first)
    approve(proposal_id=proposal, **WORDS)
    outcomes = together(8, lambda: roll_back(proposal_id=proposal, **WORDS))
    assert sorted(map(str, outcomes)) == ["None", *["StepIllegal"] * 7]
    assert holder_of(shop.model, CHAMPION) is None


@pytest.mark.django_db(transaction=True)
def test_approve__crash_before_the_commit__leaves_everything_as_it_was():
    shop = Shop()
    proposal = make_proposal(shop.project, shop.point, shop.first)
    jobs = Job.objects.count()

    class Crash(Exception):
        pass

    @transaction.atomic
    def approve_and_crash():
        approve(proposal_id=proposal, **WORDS)
        raise Crash

    with pytest.raises(Crash):
        approve_and_crash()
    assert holder_of(shop.model, CHAMPION) is None
    assert proposal_by_id(proposal).state is ProposalState.OPEN
    assert (Experiment.objects.get().status, Job.objects.count()) == ("RUNNING", jobs)
    assert approve(proposal_id=proposal, **WORDS) is ProposalState.PROMOTED


@pytest.mark.parametrize("origin", list(ProposalState))
@pytest.mark.parametrize("target", list(ProposalState))
def test_states__of_every_pair__are_those_of_the_trigger(shop, origin, target):
    proposal = make_proposal(shop.project, shop.point, shop.first)
    move = make_champion(shop.first)
    back = make_champion(shop.second)
    row = PromotionProposal.objects.filter(pk=proposal)
    decided = {"decided_at": NOW, "decided_by": ACTOR, "promotion_id": move}
    path = [ProposalState.PROMOTED, origin] if origin is ProposalState.ROLLED_BACK else [origin]
    for state in path:
        row.update(state=state, **decided, rollback_id=back if state is ProposalState.ROLLED_BACK else None)
    allowed = origin is target or target in {after for (state, _), after in STEPS.items() if state is origin}
    values = {"state": target, "rollback_id": back if target is ProposalState.ROLLED_BACK else None}
    if allowed:
        assert row.update(**values) == 1
    else:
        with pytest.raises(DatabaseError), transaction.atomic():
            row.update(**values)


def together(count, work):
    """Return what each of `count` threads got from the same work, begun at the same time."""
    barrier, outcomes = threading.Barrier(count), []

    def run():
        barrier.wait()
        try:
            outcomes.append(work())
        except StepIllegal as error:
            outcomes.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
