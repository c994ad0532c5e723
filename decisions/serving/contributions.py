"""What a model's scores owe to each thing that was known: the difference that leaving it out makes. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Final

import numpy as np

from decisions.domain import Hooks
from decisions.moment import Moment
from decisions.policy import Floats, Indices
from decisions.serving.scoring import Question, score_at_once
from models_registry.predictors.protocol import Predictor

MOST_FACTS: Final = 20
MOST_ACTIONS: Final = 10
"""Only so many facts are left out, and only so many of the first actions are looked at: the work stays small."""


class FactKind(StrEnum):
    """What a contribution is about."""

    HISTORY = "history"
    """An item that somebody dealt with; the fact's name is its id."""
    ATTRIBUTE = "attribute"
    CONTEXT = "context"
    MOMENT = "moment"
    """A fact of the moment as the model names it."""
    ACTION = "action"
    """What the action is by itself, whatever the moment."""
    FEATURE = "feature"
    """A feature that a learning policy reads."""
    RATE = "rate"
    """What a learning policy expects of the action."""
    POPULARITY = "popularity"
    VALUE = "value"
    """What a domain's own baseline expected of showing the action."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was known. value: as text, "" where the name says it all."""

    kind: FactKind
    name: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a fact did to the score of an action; its unit is that of the method."""

    fact: Fact
    effect: float


def leave_one_out(
    hooks: Hooks, predictor: Predictor, places: Mapping[str, int], moment: Moment, candidates: Indices
) -> tuple[Floats, list[tuple[Fact, Floats]]]:
    """Return the scores of the candidates, and for each fact how much lower they would be without it.

    places: where the predictor has each action; candidates: such places. Facts that the model does not read are left
    out. Raises NotScored where the model does not score.
    """
    subject = hooks.subject(moment, places)
    scores = _scores(predictor, subject, candidates)
    found = []
    for fact, without in islice(facts_of(moment), MOST_FACTS):
        other = hooks.subject(without, places)
        if not np.array_equal(other, subject):
            found.append((fact, scores - _scores(predictor, other, candidates)))
    return scores, found


def facts_of(moment: Moment) -> Iterator[tuple[Fact, Moment]]:
    """Yield what was known of unit and moment, each with the moment as it would be without it."""
    for item in moment.history:
        yield Fact(FactKind.HISTORY, item), replace(moment, history=_other(moment.history, item))
    for name, value in sorted(moment.attributes.items()):
        rest = {other: said for other, said in moment.attributes.items() if other != name}
        yield Fact(FactKind.ATTRIBUTE, name, value_text(value)), replace(moment, attributes=rest)
    for name, value in sorted(moment.context.items()):
        rest = {other: said for other, said in moment.context.items() if other != name}
        yield Fact(FactKind.CONTEXT, name, value_text(value)), replace(moment, context=rest)


def value_text(value: object) -> str:
    """Return a value of an attribute as people read it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(value_text, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _other(history: tuple[str, ...], item: str) -> tuple[str, ...]:
    return tuple(other for other in history if other != item)


def _scores(predictor: Predictor, subject: Indices, candidates: Indices) -> Floats:
    return score_at_once(Question(0, predictor, subject, candidates)).astype(np.float64)
