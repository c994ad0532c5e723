"""Audiences: a targeting expression compiled into a predicate over a unit's attributes.

A missing attribute, or one of the wrong type, never matches and is never an error; a bad expression is an
error when it is compiled, so that it cannot be published.
"""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Protocol

from experiments.assignment.patterns import compile_pattern
from experiments.assignment.semver import Precedence, parse_semver
from foundation.errors import DomainError


class Attributes(Protocol):
    """A unit's attributes by name, as parsed from JSON."""

    def get(self, name: str, /) -> Any:
        """Return the value, or None where there is none."""


Predicate = Callable[[Attributes], bool]

DEEPEST_AUDIENCE = 16
MOST_CONDITIONS = 500
LONGEST_LIST = 10_000

_NUMBERS = frozenset({int, float})
"""Exact types, so that a truth value is no number."""


class AudienceInvalid(DomainError):
    """The targeting expression cannot be compiled; the message begins with the path of the fault."""

    code = "AUDIENCE_INVALID"
    hint = (
        'An audience is {"all": [..]}, {"any": [..]}, {"not": {..}} '
        'or {"attribute": "country", "op": "eq", "value": "DE"}.'
    )


def compile_audience(expression: object, *, path: str = "audience") -> Predicate:
    """Return the predicate that a targeting expression stands for.

    `not` turns its operand's answer round, so a unit without the attribute matches it; `ne` and `not_in` ask
    for the attribute to be there.

    Raises:
        AudienceInvalid: the expression is malformed, too deep or too large.
    """
    budget = [MOST_CONDITIONS]
    return _compile(expression, path, 1, budget)


def required_values(expression: object) -> tuple[str, tuple[str, ...]] | None:
    """Return an attribute and the texts one of which it must have for a compiled expression to match.

    None where the expression does not insist on texts of one attribute. The snapshot indexes by this.
    """
    if not isinstance(expression, Mapping):
        return None
    if "all" in expression:
        found = (required_values(part) for part in expression["all"])
        return next((requirement for requirement in found if requirement), None)
    value = expression.get("value")
    if expression.get("op") == "eq" and isinstance(value, str):
        return expression["attribute"], (value,)
    if expression.get("op") == "in" and isinstance(value, Sequence) and all(isinstance(v, str) for v in value):
        return expression["attribute"], tuple(dict.fromkeys(value))
    return None


def _compile(expression: object, path: str, depth: int, budget: list[int]) -> Predicate:
    if depth > DEEPEST_AUDIENCE:
        raise AudienceInvalid(f"{path}: nested more than {DEEPEST_AUDIENCE} deep.")
    if not isinstance(expression, Mapping):
        raise AudienceInvalid(f"{path}: must be an object.")
    keys = set(expression)
    if keys in ({"all"}, {"any"}):
        (word,) = keys
        parts = expression[word]
        if not isinstance(parts, Sequence) or isinstance(parts, str) or not parts:
            raise AudienceInvalid(f"{path}.{word}: must be a list of at least one condition.")
        compiled = tuple(
            _compile(part, f"{path}.{word}[{index}]", depth + 1, budget) for index, part in enumerate(parts)
        )
        return _every(compiled) if word == "all" else _some(compiled)
    if keys == {"not"}:
        return _negation(_compile(expression["not"], f"{path}.not", depth + 1, budget))
    return _condition(expression, path, budget)


def _every(parts: tuple[Predicate, ...]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        first, second = parts
        return lambda attributes: first(attributes) and second(attributes)

    def matches(attributes: Attributes) -> bool:
        for part in parts:  # noqa: SIM110 - a generator costs twice as much here
            if not part(attributes):
                return False
        return True

    return matches


def _some(parts: tuple[Predicate, ...]) -> Predicate:
    def matches(attributes: Attributes) -> bool:
        for part in parts:  # noqa: SIM110 - a generator costs twice as much here
            if part(attributes):
                return True
        return False

    return matches


def _negation(part: Predicate) -> Predicate:
    return lambda attributes: not part(attributes)


def _condition(expression: Mapping[object, object], path: str, budget: list[int]) -> Predicate:
    if set(expression) != {"attribute", "op", "value"}:
        raise AudienceInvalid(f"{path}: must have exactly all, any, not, or attribute, op and value.")
    budget[0] -= 1
    if budget[0] < 0:
        raise AudienceInvalid(f"{path}: more than {MOST_CONDITIONS} conditions.")
    name, op, value = expression["attribute"], expression["op"], expression["value"]
    if not isinstance(name, str) or not name:
        raise AudienceInvalid(f"{path}.attribute: must be a non-empty string.")
    build = _OPERATORS.get(op) if isinstance(op, str) else None
    if build is None:
        raise AudienceInvalid(f"{path}.op: unknown operator {op!r}; use one of {', '.join(sorted(_OPERATORS))}.")
    return build(name, value, f"{path}.value")


def _family(value: object) -> str | None:
    """Return the JSON type within which values may be compared."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else None


def _equal(name: str, value: object, path: str) -> Predicate:
    family = _scalar(value, path)
    if family == "string":  # No value of another type equals a string.
        return lambda attributes: attributes.get(name) == value
    return lambda attributes: (held := attributes.get(name)) == value and _family(held) == family


def _unequal(name: str, value: object, path: str) -> Predicate:
    family = _scalar(value, path)
    return lambda attributes: (held := attributes.get(name)) != value and _family(held) == family


def _member(name: str, value: object, path: str) -> Predicate:
    wanted = _scalars(value, path)

    def matches(attributes: Attributes) -> bool:
        held = attributes.get(name)
        family = _family(held)
        return family is not None and (family, held) in wanted

    return matches


def _no_member(name: str, value: object, path: str) -> Predicate:
    unwanted = _scalars(value, path)
    families = {family for family, _ in unwanted}

    def matches(attributes: Attributes) -> bool:
        held = attributes.get(name)
        family = _family(held)
        return family in families and (family, held) not in unwanted

    return matches


def _greater(name: str, value: object, path: str) -> Predicate:
    bound = _number(value, path)
    return lambda attributes: type(held := attributes.get(name)) in _NUMBERS and held > bound


def _at_least(name: str, value: object, path: str) -> Predicate:
    bound = _number(value, path)
    return lambda attributes: type(held := attributes.get(name)) in _NUMBERS and held >= bound


def _less(name: str, value: object, path: str) -> Predicate:
    bound = _number(value, path)
    return lambda attributes: type(held := attributes.get(name)) in _NUMBERS and held < bound


def _at_most(name: str, value: object, path: str) -> Predicate:
    bound = _number(value, path)
    return lambda attributes: type(held := attributes.get(name)) in _NUMBERS and held <= bound


def _prefix(name: str, value: object, path: str) -> Predicate:
    if not isinstance(value, str) or not value:
        raise AudienceInvalid(f"{path}: must be a non-empty string.")
    return lambda attributes: isinstance(held := attributes.get(name), str) and held.startswith(value)


def _semver_at_least(name: str, value: object, path: str) -> Predicate:
    bound = _version(value, path)
    return lambda attributes: (held := parse_semver(attributes.get(name))) is not None and held >= bound


def _semver_below(name: str, value: object, path: str) -> Predicate:
    bound = _version(value, path)
    return lambda attributes: (held := parse_semver(attributes.get(name))) is not None and held < bound


def _matches(name: str, value: object, path: str) -> Predicate:
    try:
        is_found_in = compile_pattern(value)
    except ValueError as error:
        raise AudienceInvalid(f"{path}: {error}") from error
    return lambda attributes: is_found_in(attributes.get(name))


def _is_finite(value: object) -> bool:
    return not isinstance(value, float) or isfinite(value)


def _scalar(value: object, path: str) -> str:
    family = _family(value)
    if family is None or not _is_finite(value):
        raise AudienceInvalid(f"{path}: must be a string, a finite number or a truth value.")
    return family


def _scalars(value: object, path: str) -> frozenset[tuple[str, object]]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 0 < len(value) <= LONGEST_LIST:
        raise AudienceInvalid(f"{path}: must be a list of 1 to {LONGEST_LIST} values.")
    return frozenset((_scalar(item, f"{path}[{index}]"), item) for index, item in enumerate(value))


def _number(value: object, path: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        raise AudienceInvalid(f"{path}: must be a finite number.")
    return value


def _version(value: object, path: str) -> Precedence:
    version = parse_semver(value)
    if version is None:
        raise AudienceInvalid(f"{path}: must be a semantic version such as 4.2.0.")
    return version


_OPERATORS: Mapping[str, Callable[[str, object, str], Predicate]] = {
    "eq": _equal,
    "ne": _unequal,
    "in": _member,
    "not_in": _no_member,
    "gt": _greater,
    "gte": _at_least,
    "lt": _less,
    "lte": _at_most,
    "prefix": _prefix,
    "semver_gte": _semver_at_least,
    "semver_lt": _semver_below,
    "matches": _matches,
}
