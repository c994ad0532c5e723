"""The offline gate in words, from judgments as the registry stores them."""

import json

import numpy as np
import pytest

from decisions.reports.gates import gate_of, metric_lines, reference_names
from models_registry.gates import Evaluation, GateResult, GateRule, Slice, judge

PEOPLE = 400


def judged(
    advantage: float, *, rule: GateRule | None = None, champion: float | None = None, people: int = PEOPLE
) -> dict[str, object]:
    """Return a judgment as it is stored; advantages over popularity and over the champion in nDCG."""
    spread = np.linspace(-0.01, 0.01, people)
    popularity = np.full(people, 0.15)
    references = {"popularity": popularity}
    if champion is not None:
        references["champion"] = popularity + advantage - champion
    result: GateResult = judge(Evaluation({}, popularity + advantage + spread, references), rule or GateRule())
    stored: dict[str, object] = json.loads(json.dumps(result.as_json()))
    return stored


def test_gate__passed__tells_the_comparison_and_the_rule() -> None:
    gate = gate_of(judged(0.03))
    assert str(gate.words.label) == "Passed its offline gate"
    assert gate.reasons == ()
    assert gate.rule == "It must be better than the most popular items, with 95% confidence."
    (line,) = gate.lines
    assert (str(line.reference), line.users, line.candidate, line.beside) == (
        "the most popular items",
        "400",
        "0.180",
        "0.150",
    )
    assert line.difference == "+0.030"


def test_gate__with_a_margin__says_how_far_it_may_fall_behind() -> None:
    gate = gate_of(judged(0.0, rule=GateRule(margin=0.02)))
    assert "by less than 0.0200, with 95% confidence" in gate.rule


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        (
            judged(-0.03),
            "It may be worse than the most popular items: the difference can be as low as −0.031.",
        ),
        (
            judged(0.03, champion=-0.05, rule=GateRule(champion_margin=0.0)),
            "It may be worse than the champion of that time: the difference can be as low as −0.051.",
        ),
        (judged(0.03, people=20), "Only 20 people could be judged by; the rule asks for 100."),
    ],
)
def test_gate__refused__says_why_in_the_language_of_the_page(stored: dict[str, object], sentence: str) -> None:
    gate = gate_of(stored)
    assert str(gate.words.label) == "Has not passed its offline gate"
    assert sentence in gate.reasons


def test_gate__figures_that_are_not_finite__are_told_and_not_written_as_numbers() -> None:
    values = np.full(PEOPLE, 0.2)
    values[3] = np.inf
    result = judge(Evaluation({"ndcg_at_10": float("inf")}, values, {"popularity": values}), GateRule())
    gate = gate_of(json.loads(json.dumps(result.as_json())))
    assert "A figure is not a finite number." in gate.reasons
    assert {gate.lines[0].candidate, gate.lines[0].difference} == {"not defined"}
    assert gate.lines[0].interval == ""


def test_gate__nothing_stored__is_a_refusal_without_figures() -> None:
    gate = gate_of({})
    assert str(gate.words.label) == "Has not passed its offline gate"
    assert (gate.rule, gate.reasons, gate.lines) == ("", (), ())


def test_metrics__each_figure__stands_beside_those_of_its_references() -> None:
    metrics = {"ndcg_at_10": 0.2, "recall_at_20": 0.4, "champion_ndcg_at_10": 0.18, "popularity_ndcg_at_10": 0.1}
    assert reference_names(metrics) == ("popularity", "champion")
    assert [(line.candidate, line.references) for line in metric_lines(metrics)] == [
        ("0.200", ("0.100", "0.180")),
        ("0.400", ("–", "–")),
    ]


def test_slices__one_that_falls_behind_the_champion_alone__is_marked_beside_it_alone() -> None:
    same, better = np.full(PEOPLE, 0.2), np.full(PEOPLE, 0.3)
    part = Slice(same, {"popularity": same - 0.1, "champion": better})
    references = {"popularity": same - 0.1, "champion": same - 0.1}
    result = judge(
        Evaluation({}, same + np.linspace(-0.01, 0.01, PEOPLE), references, slices={"new": part}),
        GateRule(champion_margin=0.0),
    )
    gate = gate_of(json.loads(json.dumps(result.as_json())))
    assert {line.reference: str(line.words.label) for line in gate.slices} == {
        "the most popular items": "as asked for",
        "the champion of that time": "not as asked for",
    }
