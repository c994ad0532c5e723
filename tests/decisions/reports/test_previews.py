"""Preview tokens on a page of the console: of live experiments, for people who may see experiments."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from decisions.actions.preview import NotInBundle, PreviewPays, preview_token
from decisions.actions.publishing import publish_bundle
from decisions.queries.live import newest_bundle
from decisions.reports.previews import related_previews
from decisions.serving.preview import read_preview
from decisions.vocabulary import PreviewState
from foundation.models import Project
from tests.fixtures.cells import SALES
from tests.fixtures.records import NOW, make_draft, make_project, make_running

pytestmark = pytest.mark.django_db


@pytest.fixture
def experiment() -> int:
    project = make_project()
    found = make_running(project)
    publish_bundle(project_id=project)
    return found


def _project() -> int:
    return int(Project.objects.get(key="shop").pk)


def test_previews__live_experiment__have_a_genuine_token_for_each_variant(
    experiment: int, admin_client: Client
) -> None:
    answer = admin_client.get(reverse("previews", args=[experiment]))
    bundle = newest_bundle(_project())
    tokens = [line.token for line in answer.context["lines"]]

    assert len(tokens) == 2
    found = [read_preview(token, bundle, now=NOW) for token in tokens]
    assert [(p.state, p.variant.key) for p in found if p and p.variant] == [
        (PreviewState.APPLIED, "control"),
        (PreviewState.APPLIED, "treatment"),
    ]
    assert tokens[0] in answer.content.decode()


def test_previews__nobody_known__is_sent_to_log_in(experiment: int, client: Client) -> None:
    assert client.get(reverse("previews", args=[experiment])).status_code == 302


def test_previews__no_such_experiment__is_not_found(admin_client: Client) -> None:
    assert admin_client.get(reverse("previews", args=[999])).status_code == 404


def test_related__only_live_experiments__lead_to_previews(experiment: int) -> None:
    draft = make_draft(_project(), key="draft", definitions=(), roles=())

    assert [link.url for link in related_previews(experiment).links] == [reverse("previews", args=[experiment])]
    assert related_previews(draft).links == ()


def test_token__draft_or_unknown_variant__is_refused(experiment: int) -> None:
    for key, variant in [("draft", "control"), ("button", "gone")]:
        with pytest.raises(NotInBundle):
            preview_token(project_id=_project(), experiment=key, variant=variant, now=NOW)


def test_command__preview_and_explain__print_what_they_found(
    experiment: int, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("preview", "button", "treatment")
    token = capsys.readouterr().out.strip()
    shown = read_preview(token, newest_bundle(_project()), now=NOW)
    assert shown is not None
    assert shown.state is PreviewState.APPLIED

    call_command("explain", "button", "--visitor", "v-1", "--attributes", '{"country": "DE"}')
    told = capsys.readouterr().out
    assert "VARIANT" in told
    assert "SPLIT" in told

    with pytest.raises(CommandError, match="JSON"):
        call_command("explain", "button", "--visitor", "v-1", "--attributes", "{")
    with pytest.raises(CommandError):
        call_command("preview", "button", "gone")
    for hours in (0, 10**9):
        with pytest.raises(CommandError, match="--hours"):
            call_command("preview", "button", "treatment", hours=hours)


def test_token__experiment_that_changes_what_is_paid__is_refused_and_the_page_says_none(admin_client: Client) -> None:
    found = make_running(
        make_project(),
        key="cheaper",
        unit_kind="item",
        payable="PRICE",
        period_minutes=1440,
        period_design="BALANCED",
        definitions=(SALES,),
    )
    publish_bundle(project_id=_project())
    with pytest.raises(PreviewPays):
        preview_token(project_id=_project(), experiment="cheaper", variant="treatment", now=NOW)
    answer = admin_client.get(reverse("previews", args=[found]))
    assert [line.token for line in answer.context["lines"]] == [None, None]
