"""Fields of the calculator's forms: what they are called, what may stand in them, and how they are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from experiments.reports.wording import Text

LONGEST = 40
_NUMBER = re.compile(r"[+\-\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][+-]?\d{1,3})?")


class Form(StrEnum):
    """What a field holds."""

    PERCENT = "PERCENT"
    NUMBER = "NUMBER"
    WHOLE = "WHOLE"
    TEXT = "TEXT"
    CHOICE = "CHOICE"
    CHECK = "CHECK"


@dataclass(frozen=True, slots=True)
class Spec:
    """A field of a form; `rule` says what may stand in it, in words, when something else does."""

    name: str
    label: Text
    form: Form
    rule: Text = ""
    help: Text = ""
    default: str = ""
    choices: tuple[tuple[str, Text], ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A field as its template sees it: what was typed, and what is wrong with it."""

    name: str
    label: Text
    form: Form
    value: str
    help: Text
    error: Text
    choices: tuple[tuple[str, Text], ...] = ()


class Unreadable(ValueError):
    """A text that is no number."""


def shown(spec: Spec, typed: Mapping[str, str], wrong: Mapping[str, Text]) -> Shown:
    """Return the field with what was typed, and what is wrong with it if anything is."""
    value = typed.get(spec.name, "")
    return Shown(spec.name, spec.label, spec.form, value, spec.help, wrong.get(spec.name, ""), spec.choices)


def read_field(spec: Spec, typed: Mapping[str, str], wrong: dict[str, Text]) -> object | None:
    """Return the value of a field, None where it is empty; what cannot be read is added to `wrong` with its rule."""
    text = typed.get(spec.name, "")
    try:
        return value_of(spec, text) if text else None
    except Unreadable:
        wrong[spec.name] = spec.rule
        return None


def value_of(spec: Spec, text: str) -> object:
    """Return the value of a field that is not empty: shares of percentages, numbers, texts. Raises Unreadable."""
    match spec.form:
        case Form.CHECK:
            return True
        case Form.TEXT | Form.CHOICE:
            return text
        case Form.PERCENT:
            return float(_number(text.removesuffix("%").rstrip()) / 100)
        case Form.WHOLE:
            number = _number(text)
            if number != int(number):
                raise Unreadable(text)
            return int(number)
        case Form.NUMBER:
            return float(_number(text))


def typed_of(given: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed, trimmed and cut to a length that any number has."""
    return {name: value.replace("\0", "").strip()[:LONGEST] for name, value in given.items()}


def _number(text: str) -> Decimal:
    """Return the number that a person wrote: 2000, 2,000, 1.5, 1e6. Raises Unreadable."""
    if not any(letter.isdigit() for letter in text) or _NUMBER.fullmatch(text) is None:
        raise Unreadable(text)
    found = Decimal(text.replace(",", "").replace("\u2212", "-"))
    if abs(found) > Decimal("1e300"):
        raise Unreadable(text)
    return found
