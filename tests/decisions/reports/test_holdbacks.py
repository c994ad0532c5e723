"""A learning policy beside its holdback: rates with intervals, and what cannot be compared yet."""

import pytest

from decisions.reports.holdbacks import sides_of


def found(served: int, served_rewarded: int, holdback: int, holdback_rewarded: int) -> dict[str, int]:
    return {
        "served": served,
        "served_rewarded": served_rewarded,
        "holdback": holdback,
        "holdback_rewarded": holdback_rewarded,
    }


def test_sides__with_decisions_on_both__have_rates_intervals_and_a_difference() -> None:
    sides = sides_of(found(900, 90, 100, 5))
    assert [(line.decisions, line.rewarded, line.rate) for line in sides.lines] == [
        ("900", "90", "10.00%"),
        ("100", "5", "5.00%"),
    ]
    assert sides.lines[0].interval == "8.21% to 12.13%"
    assert sides.share == "10.00%"
    assert sides.sentence.startswith("The policy's rate differs by +5.00 pp (95%: ")


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        ((0, 0, 0, 0), "No decision has matured yet: its rewards may still come."),
        ((5, 1, 0, 0), "One of the sides has no decisions yet, so there is nothing to compare."),
        ((0, 0, 5, 1), "One of the sides has no decisions yet, so there is nothing to compare."),
    ],
)
def test_sides__where_one_is_empty__say_that_there_is_nothing_to_compare(
    figures: tuple[int, int, int, int], sentence: str
) -> None:
    assert sides_of(found(*figures)).sentence == sentence


def test_sides__without_any_reward__have_a_difference_of_nothing() -> None:
    assert "differs by 0.00 pp" in sides_of(found(50, 0, 50, 0)).sentence
