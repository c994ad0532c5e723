"""An audience held against attributes, condition by condition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.assignment.targeting import compile_audience


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of an audience: where it stands, what it asks, what the attribute holds, and whether it matches.

    A part that joins others (`all`, `any`, `not`) has no attribute. `held` is None where the attribute is missing.
    """

    path: str
    op: str
    matches: bool
    attribute: str | None = None
    value: object = None
    held: object = None


def conditions_of(expression: Any, attributes: Mapping[str, Any], path: str = "audience") -> Iterator[Condition]:
    """Yield the parts of an audience that has been compiled before, each before those that it joins."""
    if expression is None:
        return
    matches = compile_audience(expression)(attributes)
    for word in ("all", "any", "not"):
        if word in expression:
            yield Condition(path, word, matches)
            parts = [expression["not"]] if word == "not" else expression[word]
            for index, part in enumerate(parts):
                yield from conditions_of(part, attributes, f"{path}.{word}" + ("" if word == "not" else f"[{index}]"))
            return
    name = expression["attribute"]
    yield Condition(path, expression["op"], matches, name, expression["value"], attributes.get(name))
