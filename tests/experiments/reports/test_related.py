"""What apps above add to the page of an experiment."""

from dataclasses import replace

import pytest

from experiments.reports import related
from experiments.reports.page import Link, RelatedLink
from experiments.reports.presenter import page_of
from experiments.reports.related import NOTHING, Related
from tests.experiments.reports import material
from tests.experiments.reports.test_presenter import ADDRESSES

POINT = RelatedLink("Decision point", "Home page", "/d/home")
PROPOSAL = RelatedLink("Promotion", "Waiting", "/promotions")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without the providers of the apps above."""
    monkeypatch.setattr(related, "_providers", [])


def test_related__of_several_apps__links_together_and_the_first_next_step_is_heard() -> None:
    related.register(lambda _experiment: Related(links=(POINT,)))
    related.register(lambda _experiment: Related(links=(PROPOSAL,), next_step="Decide", next_link=Link("Go", "/p")))
    related.register(lambda _experiment: Related(next_step="Wait"))
    assert related.related_to(1) == Related((POINT, PROPOSAL), "Decide", Link("Go", "/p"))


def test_related__registered_twice__is_asked_once() -> None:
    asked = []

    def provider(experiment: int) -> Related:
        asked.append(experiment)
        return NOTHING

    related.register(provider)
    related.register(provider)
    assert related.related_to(7) == NOTHING
    assert asked == [7]


def test_page__next_step_of_an_app_above__takes_the_place_of_its_own() -> None:
    seen = material.evidence(material.scorecard(material.comparisons()), material.SHIP)
    readout = material.readout(seen)
    own = page_of(readout, relative=True, addresses=ADDRESSES, now=material.NOW)
    told = Related((POINT,), "Decide", Link("Go", "/p"))
    heard = page_of(readout, relative=True, addresses=ADDRESSES, now=material.NOW, related=told)
    assert (heard.strip.next_step, heard.strip.next_link, heard.related) == ("Decide", Link("Go", "/p"), (POINT,))
    assert replace(heard, strip=own.strip, related=()) == own
