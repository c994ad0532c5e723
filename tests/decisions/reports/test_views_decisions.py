"""Pages of decision points, decisions and promotions, over HTTP."""

import json
import re

import pytest
from django.test import Client

from decisions.actions.promotion import reject, roll_back
from tests.decisions.reports.pages import Elements, read, text_of
from tests.decisions.reports.scene import Scene
from tests.experiments.reports import material, stored
from tests.fixtures import registry

pytestmark = pytest.mark.django_db


def test_point__tells_faults_first_then_allocation_counts_and_decisions(reader: Client, shop: Scene) -> None:
    page = read(reader, "/d/home")
    told = text_of(page)
    assert re.findall(r'<h2 id="(\w+)"', page) == ["state", "allocation", "lately", "recent"]
    for text in (
        "5.17% of decisions fell back",
        "3 of 58 decisions in the last 24 hours were not made as configured.",
        "Baseline: the model took longer than the deadline: 2",
        "Give the decision point more milliseconds",
        "As today control 50% Ranked by a model Home page ranking v1",
        "New ranking 50% Ranked by a model Home page ranking v2",
        "1, since 2026-03-02 00:00",
        "Home page ranking v1 everybody",
        "Ranked by the model version New ranking Ranked by a model v2 24 41.38%",
        "Baseline: the shopper switched personalisation off outside experiments Baseline – 3 5.17%",
        "Stoneware mug, Kettle, 1.7 litres, Reading lamp and 2 more",
    ):
        assert text in told, text
    assert "/d/home/decision-1?project=harbour" in Elements(page).links


def test_point__narrowed_to_a_version__shows_its_decisions_alone(reader: Client, shop: Scene) -> None:
    shown = json.loads(reader.get("/d/home.json?version=1").content)["recent"]
    assert {made["version"] for made in shown} == {shop.first}
    assert len(shown) == 22
    told = text_of(read(reader, "/d/home?version=1"))
    assert "Only those of Home page ranking v1." in told
    for odd in ("0", "99", "x", "%00", "9" * 30):
        assert "Only those of" not in read(reader, f"/d/home?version={odd}")


def test_point__without_model_and_decisions__says_what_to_do(reader: Client, shop: Scene) -> None:
    told = text_of(read(reader, "/d/cart"))
    assert "No decisions yet" in told
    assert "POST /v1/decisions/cart." in told
    assert "Baseline everybody" in told


def test_decision__model_version_run_window_and_revision__are_reached_by_clicks(reader: Client, shop: Scene) -> None:
    page = read(reader, "/d/home/decision-1")
    told = text_of(page)
    for text in (
        "For variant “New ranking” of Two-Towers, which pins Home page ranking v2.",
        "Stoneware mug",
        "0.840 ms",
    ):
        assert text in told, text
    links = Elements(page).links
    version = "/m/home-ranking/2?project=harbour"
    for link in ("/x/two-towers?project=harbour", version, f"{version}#training", f"{version}#data", f"{version}#code"):
        assert link in links, link
    reached = read(reader, version)
    assert set(re.findall(r'id="(training|data|code)"', reached)) == {"training", "data", "code"}
    for fact in ("two_tower", "2026-02-01 00:00 to 2026-03-01 00:00", registry.REVISION):
        assert fact in reached


def test_decision__model_version_run_window_and_revision__are_in_its_json_with_addresses(
    reader: Client, shop: Scene
) -> None:
    told = json.loads(reader.get("/d/home/decision-1.json").content)
    version = told["model_version"]
    assert (version["model"], version["number"]) == ("home-ranking", 2)
    assert version["training_run"]["recipe"] == "two_tower"
    assert version["training_run"]["dataset"]["sha256"].startswith("c0ffee")
    assert version["data_window"] == {"start": "2026-02-01T00:00:00+00:00", "end": "2026-03-01T00:00:00+00:00"}
    assert version["code_revision"] == registry.REVISION
    assert told["decision"]["reason"] == "MODEL"
    assert told["items"]["mug"] == "Stoneware mug"
    addresses = [
        told["addresses"]["model_json"],
        told["addresses"]["model_version_json"],
        told["decision_point"]["json"],
    ]
    for address in addresses:
        assert json.loads(reader.get(address).content)["project"] == "harbour"
    for address in (told["experiment"]["readout"], told["addresses"]["model_version"], told["decision"]["url"]):
        assert reader.get(address).status_code == 200


def test_decision__of_the_baseline__says_that_no_model_took_part(reader: Client, shop: Scene) -> None:
    registry.log_decision(shop.project, "cart", decision_id="plain", at=material.NOW, personalised=False)
    told = text_of(read(reader, "/d/cart/plain"))
    assert "Outside experiments, where the baseline serves." in told
    assert "None: no model took part" in told
    assert "Personalised no" in told
    assert json.loads(reader.get("/d/cart/plain.json").content)["model_version"] is None


def test_decision__made_in_place_of_the_model__says_what_to_do(reader: Client, shop: Scene) -> None:
    told = text_of(read(reader, "/d/home/decision-57"))
    assert "Baseline: the model took longer than the deadline" in told
    assert "Give the decision point more milliseconds" in told


def test_decision__with_words_of_a_later_release__is_shown_as_it_is(reader: Client, shop: Scene) -> None:
    registry.log_decision(shop.project, decision_id="later", at=material.NOW, policy="thompson", reason="EXPLORED")
    told = text_of(read(reader, "/d/home/later"))
    assert "EXPLORED" in told
    assert "thompson" in told


def test_decision__whose_experiment_and_items_are_unknown__is_a_page_all_the_same(reader: Client, shop: Scene) -> None:
    registry.log_decision(
        shop.project, decision_id="bare", at=material.NOW, experiment="gone", variant="b", actions=[["x1", 0.25, None]]
    )
    told = text_of(read(reader, "/d/home/bare"))
    assert "For variant “b” of gone." in told
    assert "x1 x1 25% –" in told


def test_promotions__open_one__tells_what_replaces_what_and_the_evidence(reader: Client, shop: Scene) -> None:
    page = read(reader, "/promotions")
    told = text_of(page)
    waiting, decided = told.split("Decided", 1)
    for text in (
        "Home page ranking v2 in place of Home page ranking v1",
        "for everybody",
        "Evidence: “New ranking” won Two-Towers",
        "“New ranking” is better than “As today” on Conversion: +0.60 pp (+0.02 pp to +1.18 pp).",
        "Read the evidence and the readout, then approve or reject it.",
    ):
        assert text in waiting, text
    for text in (
        "Promoted",
        "Home page ranking v1 in place of Baseline",
        "colleague, 2026-03-14",
        "no guardrail moved",
    ):
        assert text in decided, text
    links = Elements(page).links
    assert f"/admin/decisions/promotionproposal/{shop.waiting}/change/" in links
    assert "/x/two-towers?project=harbour" in links


def test_promotions__control_no_longer_champion__is_told_before_anybody_approves(reader: Client, shop: Scene) -> None:
    roll_back(proposal_id=shop.promoted, acting_user="colleague", now=material.NOW, reason="Complaints")
    told = text_of(read(reader, "/promotions"))
    assert "The test compared with Home page ranking v1, but Baseline serves now." in told
    assert "Run a new experiment of Home page ranking v2 against Baseline." in told
    assert "Rolled back" in told
    assert "Complaints" in told


def test_promotions__rejected__tells_who_and_why(reader: Client, shop: Scene) -> None:
    reject(proposal_id=shop.waiting, acting_user="lin", now=material.NOW, reason="The season is over")
    told = text_of(read(reader, "/promotions"))
    assert "Nothing waits." in told
    assert "lin, 2026-03-14" in told
    assert "The season is over" in told


def test_readout__of_an_experiment_at_a_decision_point__leads_there_and_to_its_proposal(
    reader: Client, shop: Scene
) -> None:
    page = read(reader, "/x/two-towers")
    links = Elements(page).links
    assert "/d/home?project=harbour" in links
    assert f"/promotions#proposal-{shop.waiting}" in links
    assert "Approve or reject the promotion." in page
    stored.running(stored.shop("pier"), key="plain")
    assert "/promotions#" not in read(reader, "/x/plain")
