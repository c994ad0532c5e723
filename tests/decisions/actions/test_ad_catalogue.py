"""What edges get to know of creatives: rates that the model-free policy goes by, and how campaigns are paced."""

import json

import pytest

from decisions.actions.catalogue import publish_catalogue
from decisions.actions.pacing import pace_campaigns
from decisions.models import PublishedCatalogue, PublishedChunk
from decisions.serving.catalogues import read_catalogue
from tests.decisions.ads import MORNING, click, make_ads, show
from tests.fixtures.messages import minutes
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db


def content() -> bytes:
    state = PublishedCatalogue.objects.get(collection="creatives")
    chunks = PublishedChunk.objects.filter(sha256=state.sha256).order_by("position")
    return b"".join(bytes(chunk.content) for chunk in chunks)


def test_publish_catalogue__of_creatives__has_rates_paces_and_budgets_that_are_out():
    project = make_project()
    make_ads(project)
    for number in range(25):
        visitor, at = f"v{number}", MORNING + minutes(number)
        show(project, "shoe-a", number=number, at=at, visitor=visitor)
        click(project, "shoe-a", number=number, at=at, visitor=visitor)
    pace_campaigns(project_id=project, now=MORNING)
    pace_campaigns(project_id=project, now=NOW)
    publish_catalogue(project_id=project, now=NOW, collection="creatives")
    found = read_catalogue(content(), collection="creatives")
    assert found.items == ("house", "shoe-a", "shoe-b", "tea-a")
    assert found.fields["spent_out"].tolist() == [0.0, 1.0, 1.0, 0.0]
    assert found.fields["pace"][1] > 0.0
    assert (found.baseline > 0.0).all()
    assert json.loads(content())["fields"]["pace"][0] == 0.0


def test_publish_catalogue__nothing_new__publishes_nothing():
    project = make_project()
    make_ads(project)
    pace_campaigns(project_id=project, now=NOW)
    assert publish_catalogue(project_id=project, now=NOW, collection="creatives")
    assert not publish_catalogue(project_id=project, now=NOW, collection="creatives")
