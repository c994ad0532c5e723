"""What a readout is told: found by key and project, with every look, epoch, journal line and quarantined row."""

from datetime import timedelta

import pytest

from experiments.actions import lifecycle
from experiments.actions.allocation import change_allocation
from experiments.models import Quarantine
from experiments.queries.designs import ExperimentUnknown
from experiments.queries.readout_lists import PAGE_SIZE, experiment_page
from experiments.queries.readouts import ExperimentAmbiguous, readout
from experiments.vocabulary import Status, VerdictState
from tests.experiments.reports import material, stored

pytestmark = pytest.mark.django_db


def test_readout__running__has_plan_epochs_looks_and_journal_in_order() -> None:
    experiment_id = stored.running(stored.shop())
    card = material.scorecard(material.comparisons())
    for earlier in (2, 1):
        stored.keep(experiment_id, stored.earlier(card, earlier), material.CONTINUE)
    kept = stored.keep(experiment_id, card, material.SHIP)
    later = material.START + timedelta(days=2)
    change_allocation(
        experiment_id=experiment_id,
        acting_user="manager",
        now=later,
        reason="More",
        weights={"control": 900_000, "treatment": 100_000},
    )
    found = readout(key="free-shipping")
    assert found.plan is not None
    assert found.plan.control == "control"
    assert [(look.number, look.state, look.winner) for look in found.looks] == [
        (3, VerdictState.CONTINUE, None),
        (4, VerdictState.CONTINUE, None),
        (5, VerdictState.SHIP, "treatment"),
    ]
    assert found.evidence is not None
    assert (found.evidence.scorecard, found.evidence.verdict) == (kept, material.SHIP)
    assert found.evidence.text == kept.to_json().decode()
    assert [[(share.variant, share.weight) for share in epoch.shares] for epoch in found.epochs] == [
        [("control", 500_000), ("treatment", 500_000)],
        [("control", 900_000), ("treatment", 100_000)],
    ]
    assert [line.action for line in found.journal] == [
        "experiment.create",
        "experiment.submit",
        "experiment.launch",
        "experiment.allocation",
    ]


def test_readout__quarantine__is_counted_by_reason_for_this_experiment_alone() -> None:
    project = stored.shop()
    mine, other = stored.running(project), stored.draft(stored.shop("pier"))
    for number, (experiment_id, reason) in enumerate([(mine, "LATE"), (mine, "LATE"), (mine, "BAD"), (other, "LATE")]):
        Quarantine.objects.create(
            project_id=project, experiment_id=experiment_id, origin="EVENT", reference=str(number), reason=reason
        )
    assert readout(key="free-shipping", project_key="harbour").quarantine == {"BAD": 1, "LATE": 2}


def test_readout__draft__has_neither_plan_nor_evidence() -> None:
    stored.draft(stored.shop())
    found = readout(key="free-shipping")
    assert (found.plan, found.evidence, found.looks, found.epochs, found.fault) == (None, None, (), (), None)


def test_readout__unknown_key_or_project__says_so() -> None:
    stored.draft(stored.shop())
    for key, project in (("nothing", None), ("free-shipping", "moon")):
        with pytest.raises(ExperimentUnknown):
            readout(key=key, project_key=project)


def test_readout__key_in_two_projects__names_them() -> None:
    for key in ("pier", "harbour"):
        stored.draft(stored.shop(key))
    with pytest.raises(ExperimentAmbiguous) as raised:
        readout(key="free-shipping")
    assert raised.value.projects == ("harbour", "pier")
    assert readout(key="free-shipping", project_key="pier").project.key == "pier"


def test_list__newest_first__with_the_latest_verdict_and_the_winning_arm() -> None:
    experiment_id = stored.running(stored.shop())
    card = material.scorecard(material.comparisons())
    stored.keep(experiment_id, stored.earlier(card, 1), material.CONTINUE)
    stored.keep(experiment_id, card, material.SHIP)
    stored.draft(stored.shop("pier"), key="gift-wrap")
    page = experiment_page()
    assert [line.key for line in page.lines] == ["gift-wrap", "free-shipping"]
    draft, shipped = page.lines
    assert (draft.verdict, draft.primary, draft.units) == (None, None, None)
    assert shipped.verdict == material.SHIP
    assert shipped.primary == card.comparisons[0]
    assert (shipped.metric_name, shipped.variant_name, shipped.units) == ("Conversion", "Free from 39", 40_000)


def test_list__pages__hold_fifty_and_every_experiment_is_on_one() -> None:
    project = stored.shop()
    stored.draft(project, key="e-0")
    for number in range(1, PAGE_SIZE + 3):
        stored.draft(project, key=f"e-{number}", definitions=(), roles=())
    first, second, beyond = (experiment_page(page=number) for number in (1, 2, 99))
    assert (len(first.lines), len(second.lines), first.pages, first.total) == (PAGE_SIZE, 3, 2, PAGE_SIZE + 3)
    assert beyond.page == 2
    assert len({line.key for line in (*first.lines, *second.lines)}) == PAGE_SIZE + 3


def test_list__status_and_search__narrow_it() -> None:
    project = stored.shop()
    stopped = stored.running(project)
    lifecycle.stop(experiment_id=stopped, acting_user="manager", now=material.END, reason="Enough")
    stored.draft(stored.shop("pier"), key="gift-wrap", hypothesis="100% of ribbons_help")
    assert [line.key for line in experiment_page(status=Status.STOPPED).lines] == ["free-shipping"]
    assert [line.key for line in experiment_page(search="RIBBONS_").lines] == ["gift-wrap"]
    assert [line.key for line in experiment_page(search="0% of").lines] == ["gift-wrap"]
    assert experiment_page(search="ribbonsxhelp").lines == ()
