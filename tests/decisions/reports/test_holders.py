"""Who serves whom, in lines and in one line."""

import pytest

from decisions.reports.holders import holders_in_words, serving_lines
from foundation.queries import project_facts
from models_registry.actions.aliases import Scope
from models_registry.queries.aliases import Holder, holders_of
from models_registry.queries.versions import versions_by_id
from models_registry.vocabulary import AliasName
from tests.experiments.reports import stored
from tests.fixtures import registry

CN = {"attribute": "country", "op": "eq", "value": "CN"}


@pytest.mark.django_db
def test_serving__champion_of_an_audience__ends_with_what_everybody_else_gets() -> None:
    project = stored.shop()
    model = registry.make_model(project)
    first, second = registry.make_version(model), registry.make_version(model, first=2.0)
    registry.make_champion(first, scope=Scope(CN, "visitor"))
    facts = project_facts(project)
    versions = versions_by_id([first, second])
    held = holders_of(model, AliasName.CHAMPION)
    assert [(str(line.label), str(line.scope)) for line in serving_lines(held, versions, facts)] == [
        ("Home page ranking v1", "country is CN (tested by Visitor)"),
        ("Baseline", "everybody else"),
    ]
    registry.make_champion(second)
    held = holders_of(model, AliasName.CHAMPION)
    assert [(str(line.label), str(line.scope)) for line in serving_lines(held, versions, facts)] == [
        ("Home page ranking v2", "everybody")
    ]
    assert serving_lines(held, versions, facts)[0].url == "/m/home-ranking/2?project=harbour"


def test_holders_in_words__first_claim_first() -> None:
    held = (Holder(7, CN, "visitor"), Holder(5, None, None))
    assert holders_in_words(held, {7: 2, 5: 1}) == "v2 for country is CN; v1 for everybody else"
    assert holders_in_words((), {}) == "nobody"
    assert holders_in_words((Holder(9, None, None),), {}) == "v? for everybody"
