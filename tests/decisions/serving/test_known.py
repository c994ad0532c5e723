"""What has to be asked before units can be assigned: nothing in most cases."""

from typing import Any

import pytest

from decisions.serving.known import NOTHING_WANTED, Met, wants_of
from foundation.ids import hash_unit
from tests.decisions.published import PEPPER, live
from tests.experiments.assignment.builders import experiment

VISITOR, CUSTOMER = hash_unit(PEPPER, "visitor", "v"), hash_unit(PEPPER, "customer", "c")
STICKY = (
    experiment(1, sticky=True),
    experiment(2, sticky=True),
    experiment(3, unit_kind="item", sticky=True),
    experiment(4, sticky=True, status="PAUSED"),
    experiment(5),
)


@pytest.mark.parametrize(
    "units", [{}, {"visitor": "v"}, {"visitor": "v", "customer": "c"}, {"customer": 5}, {"customer": ""}]
)
def test_wants__nothing_sticky_and_no_customer_alone__is_nothing(units: dict[str, Any]) -> None:
    assert wants_of(live(), units) is NOTHING_WANTED


def test_wants__customer_alone__asks_for_the_visitors_where_visitors_are_randomised() -> None:
    assert wants_of(live(), {"customer": "c"}).customer == CUSTOMER
    assert wants_of(live(experiment(1, unit_kind="customer")), {"customer": "c"}) is NOTHING_WANTED


@pytest.mark.parametrize(
    ("units", "keys", "met"),
    [
        ({"visitor": "v"}, None, [Met("visitor", VISITOR, (1, 2))]),
        ({"visitor": "v"}, ["experiment-2", "experiment-5", "gone"], [Met("visitor", VISITOR, (2,))]),
        ({"visitor": "v"}, ["experiment-5"], []),
        ({"visitor": 5, "item": "mug"}, None, [Met("item", "mug", (3,))]),
        ({}, None, []),
    ],
)
def test_wants__sticky_experiments__ask_for_their_units(
    units: dict[str, Any], keys: list[str] | None, met: list[Met]
) -> None:
    assert list(wants_of(live(*STICKY), units, keys).met) == met
