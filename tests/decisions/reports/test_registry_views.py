"""Versions side by side, cards, lineage, and giving an alias by a form: who may, what is told, what changes."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from decisions.actions.shadow import set_role
from models_registry.actions.retention import drop_artifact, leaving_artifacts
from models_registry.actions.training import Candidate, begin_run, end_run
from models_registry.gates import Evaluation, GateRule, judge
from models_registry.models import AliasMove
from models_registry.queries.aliases import holder_of
from models_registry.queries.versions import version_by_id
from models_registry.vocabulary import AliasName, PredictorKind
from tests.decisions.reports.conftest import VIEWING
from tests.decisions.reports.pages import Elements, read, text_of
from tests.decisions.reports.scene import Scene
from tests.experiments.reports import stored
from tests.fixtures import registry
from tests.fixtures.records import ACTOR, NOW

pytestmark = pytest.mark.django_db

PAGES = (
    "/m/home-ranking/versions/diff?a=1&b=2",
    "/m/home-ranking/versions/diff.json?a=1&b=2",
    "/m/home-ranking/1/lineage",
    "/m/home-ranking/1/lineage.json",
    "/m/home-ranking/1/card.md",
)
UNKNOWN = (
    "/m/home-ranking/versions/diff",
    "/m/home-ranking/versions/diff?a=1",
    "/m/home-ranking/versions/diff?a=1&b=9",
    "/m/home-ranking/versions/diff?a=1&b=x",
    "/m/home-ranking/versions/diff.json?a=1&b=%00",
    "/m/nothing/versions/diff?a=1&b=2",
    "/m/home-ranking/9/lineage",
    "/m/home-ranking/9/card.md",
)


def shadowed(scene: Scene, version_id: int) -> None:
    set_role(version_id=version_id, name=AliasName.SHADOW, acting_user=ACTOR, now=NOW, reason="to watch it")


def watch(scene: Scene, version_id: int, *, number: int, **note: object) -> None:
    registry.log_decision(
        scene.project,
        decision_id=f"watched-{number}",
        at=timezone.now(),
        policy="model_ranked",
        reason="MODEL",
        version=scene.first,
        shadow={"version": version_id, **note},
    )


def test_pages__stranger_and_people_without_the_permission__are_kept_out(
    client: Client, person: Callable[..., Client], shop: Scene
) -> None:
    assert {client.get(path).status_code for path in PAGES} == {302}
    clerk = person(*(set(VIEWING) - {"view_registeredmodel"}))
    assert {clerk.get(path).status_code for path in PAGES} == {403}


def test_diff__two_versions__shows_what_differs_and_nothing_else_is_there(reader: Client, shop: Scene) -> None:
    assert {path: reader.get(path).status_code for path in UNKNOWN} == dict.fromkeys(UNKNOWN, 404)
    page = read(reader, PAGES[0])
    told = text_of(page)
    for words in ("v1 beside v2", "two_tower", "item_item", "epochs", "differs", "nDCG@10"):
        assert words in told
    links = Elements(page).links
    assert any("/versions/diff?project=harbour&a=2&b=1" in link for link in links)
    assert any(link.startswith("/m/home-ranking/1?") for link in links)
    facts = json.loads(read(reader, PAGES[1]))
    (epochs,) = [entry for entry in facts["parameters"] if entry["path"] == "epochs"]
    assert (epochs["before"], epochs["after"], epochs["change"]) == (None, 12, "added")
    assert {entry["name"]: entry["change"] for entry in facts["metrics"]}["ndcg_at_10"] == 0.0
    assert (facts["before"]["number"], facts["after"]["number"]) == (1, 2)
    assert facts["before"]["seed"] != facts["after"]["seed"]


def test_lineage__a_promoted_version__leads_from_data_to_decisions(reader: Client, shop: Scene) -> None:
    page = read(reader, PAGES[2])
    told = text_of(page)
    run = version_by_id(shop.first).run_id
    for words in (
        f"Training run #{run}",
        "120,431 rows",
        "Experiment “",
        "Promoted",
        "Decisions that rest on it",
        "home: 21, Ranked by the model version",
        "It became champion.",
    ):
        assert words in told, words
    links = Elements(page).links
    assert any(link.startswith("/x/first-ranking") for link in links)
    assert any(link.startswith("/promotions#proposal-") for link in links)
    told = json.loads(read(reader, PAGES[3]))
    assert told["model_version"]["training_run"]["recipe"] == "item_item"
    assert {trial["key"] for trial in told["experiments"]} == {"first-ranking", "two-towers"}
    assert told["experiments"][-1]["promotion"]["state"] in ("PROMOTED", "OPEN")
    assert [move["name"] for move in told["alias_moves"]] == ["champion"]
    assert sum(made["decisions"] for made in told["decisions"]) == 22
    assert {entry["run"] for entry in told["same_data"]}
    assert told["artifact_dropped_at"] is None


def test_card__a_version__is_a_markdown_file_with_every_part(reader: Client, shop: Scene) -> None:
    response = reader.get(PAGES[4])
    text = response.content.decode()
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="home-ranking-v1.md"'
    assert text.startswith("# Model card: Home page ranking v1\n")
    for title in (
        "What it is",
        "Intended use",
        "Data and training",
        "Offline figures",
        "Offline gate",
        "Limits",
        "Personal data and fairness",
        "Where it stands",
    ):
        assert f"\n## {title}\n" in text
    assert "| Compared with |" in text
    assert "holds no id of a person" in text
    assert "Champion" in text
    assert "0.184" in reader.get(PAGES[4], headers={"Accept-Language": "zh-hans"}).content.decode()


def test_version_page__tells_limits_and_leads_to_card_and_lineage(reader: Client, shop: Scene) -> None:
    page = read(reader, "/m/home-ranking/2")
    told = text_of(page)
    assert "It was not judged by slices" in told
    assert "Limits" in told
    links = Elements(page).links
    assert any("/2/card.md" in link for link in links)
    assert any("/2/lineage?" in link for link in links)
    assert 'name="reason"' not in page
    assert reader.get("/m/home-ranking/2/role").status_code == 405


def test_give__with_the_permission_and_a_reason__moves_the_alias(person: Callable[..., Client], shop: Scene) -> None:
    clerk = person(*VIEWING, "change_alias")
    assert 'name="reason"' in read(clerk, "/m/home-ranking/2")
    answer = clerk.post("/m/home-ranking/2/role", {"alias": "shadow", "reason": "to watch it"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/m/home-ranking/2?")
    assert holder_of(shop.model, AliasName.SHADOW) == shop.challenger
    assert AliasMove.objects.latest("pk").actor == "reader"
    clerk.post("/m/home-ranking/roles/clear", {"alias": "shadow", "reason": "seen enough"})
    assert holder_of(shop.model, AliasName.SHADOW) is None


REFUSED = (
    ("/m/home-ranking/2/role", {"alias": "champion", "reason": "at once"}, 302),
    ("/m/home-ranking/2/role", {"alias": "shadow", "reason": " "}, 302),
    ("/m/home-ranking/1/role", {"alias": "shadow", "reason": "the champion itself"}, 302),
    ("/m/home-ranking/2/role", {"alias": "king", "reason": "x"}, 404),
    ("/m/home-ranking/9/role", {"alias": "shadow", "reason": "x"}, 404),
    ("/m/home-ranking/roles/clear", {"alias": "champion", "reason": "x"}, 302),
    ("/m/home-ranking/roles/clear", {"alias": "shadow", "reason": "nobody is"}, 302),
)


def test_give__what_may_not_be__is_told_and_changes_nothing(person: Callable[..., Client], shop: Scene) -> None:
    clerk, moves = person(*VIEWING, "change_alias"), AliasMove.objects.count()
    for path, said, status in REFUSED:
        response = clerk.post(path, said)
        assert response.status_code == status, path
        if status == 302:
            assert [message.level_tag for message in get_messages(response.wsgi_request)][-1] == "error"
    assert AliasMove.objects.count() == moves
    assert holder_of(shop.model, AliasName.SHADOW) is None
    assert holder_of(shop.model, AliasName.CHAMPION) == shop.first


def test_give__without_the_permission__is_refused_and_changes_nothing(reader: Client, shop: Scene) -> None:
    moves = AliasMove.objects.count()
    assert reader.post("/m/home-ranking/2/role", {"alias": "shadow", "reason": "x"}).status_code == 403
    assert reader.post("/m/home-ranking/roles/clear", {"alias": "shadow", "reason": "x"}).status_code == 403
    assert AliasMove.objects.count() == moves


def test_model_page__a_shadow__tells_how_it_compares(person: Callable[..., Client], shop: Scene) -> None:
    shadowed(shop, shop.challenger)
    clerk = person(*VIEWING, "change_alias")
    assert "No decision has been compared in the last seven days." in text_of(read(clerk, "/m/home-ranking"))
    for number, (share, rank, ms) in enumerate([(0.4, 0.2, 1.0), (0.6, 0.4, 3.0)]):
        watch(shop, shop.challenger, number=number, overlap=share, rank=rank, ms=ms)
    watch(shop, shop.challenger, number=7, reason="DROPPED")
    watch(shop, shop.challenger, number=8, reason="DEADLINE")
    watch(shop, shop.first, number=9, overlap=0.0, rank=None, ms=1.0)
    told = text_of(read(clerk, "/m/home-ranking"))
    for words in (
        "2 of 4 decisions that were drawn could be compared",
        "None of it was shown to anybody",
        "50%",
        "0.300",
        "not compared: the machine was busy",
        "Baseline: the model took longer than the deadline",
        "Shadow is v2 for everybody",
    ):
        assert words in told, words


def test_pages__a_dropped_artifact__is_told_everywhere(reader: Client, shop: Scene) -> None:
    old = registry.make_version(shop.model, first=7.0)
    newest = registry.make_version(shop.model, first=8.0)
    later = timezone.now() + (timezone.now() - NOW)
    (leaving,) = [one for one in leaving_artifacts(before=later, kept=()) if old in one.versions]
    assert drop_artifact(leaving, acting_user=ACTOR, now=NOW, reason="saves room")
    number = version_by_id(old).number
    assert "artifact dropped" in text_of(read(reader, "/m/home-ranking"))
    assert "Cannot serve any more" in text_of(read(reader, f"/m/home-ranking/{number}"))
    assert json.loads(read(reader, f"/m/home-ranking/{number}.json"))["artifact_dropped_at"] is not None
    assert "it cannot serve any more" in text_of(read(reader, f"/m/home-ranking/{number}/lineage"))
    assert "Artifact dropped" in reader.get(f"/m/home-ranking/{number}/card.md").content.decode()
    assert "Cannot serve" not in text_of(read(reader, f"/m/home-ranking/{version_by_id(newest).number}"))


def test_model__whose_gate_compares_another_metric__shows_that_one_and_its_name(reader: Client) -> None:
    project = stored.shop()
    model_id = registry.make_model(project, domain="ad_placement", key="responses")
    figures = -0.3 + np.linspace(-0.01, 0.01, 400)
    metrics = {"log_likelihood": -0.3, "popularity_log_likelihood": -0.4}
    gate = judge(Evaluation(metrics, figures, {"popularity": figures - 0.1}), GateRule(metric="log_likelihood"))
    candidate = Candidate(
        kind=PredictorKind.POPULARITY,
        artifact=registry.popularity_artifact(),
        signature={"kind": "popularity", "inputs": [], "tensors": {}},
        metrics=metrics,
        gate=gate.as_json(),
        dataset={},
    )
    run_id = registry.make_run(model_id)
    begin_run(run_id=run_id, code_revision="", now=NOW)
    assert end_run(run_id=run_id, candidate=candidate, now=NOW) is not None
    told = text_of(read(reader, "/m/responses"))
    for text in ("Log-likelihood", "−0.300", "−0.400"):
        assert text in told, text
    assert "nDCG" not in told
