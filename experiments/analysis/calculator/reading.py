"""Plain figures (JSON, a form, a command line) read strictly into a request; every refusal names its field."""

import re
from collections.abc import Mapping
from typing import ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from foundation.errors import DomainError

Request = TypeVar("Request", bound=msgspec.Struct)

_AT = re.compile(r" - at `\$\.?(.*)`$")
_TYPES = re.compile(r"Expected `(.+?)`, got `(.+?)`")
_FIELD = re.compile(r"field `(.+?)`")
_CHOICE = re.compile(r"Invalid enum value '?(.*?)'?$")
_LENGTH = re.compile(r"Expected `(?:array|str)` of length (.+)")
_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_FRACTION = ("int", "float")


class CalculationInvalid(DomainError):
    """Figures that nothing can be computed from; `field` is the one to mend, empty where no single one is."""

    code: ClassVar[str] = "CALCULATION_INVALID"
    hint = "Correct the field that the message names."

    def __init__(self, field: str, problem: str, *, hint: str | None = None) -> None:
        super().__init__(f"{field}: {problem}" if field else problem, hint=hint)
        self.field = field
        self.problem = problem


def read(kind: type[Request], body: object) -> Request:
    """Return the request that plain values describe; text is no number, and unknown fields are refused.

    Raises CalculationInvalid.
    """
    try:
        return msgspec.convert(body, kind, strict=True)
    except (msgspec.ValidationError, OverflowError) as error:
        raise _refusal(kind, str(error)) from error


def check_sizes(request: msgspec.Struct, *, smallest: float, largest: float, place: str = "") -> None:
    """Refuse numbers whose size is out of reach of the arithmetic, not finite ones among them; 0 is within reach.

    Raises CalculationInvalid.
    """
    for name in request.__struct_fields__:
        value = getattr(request, name)
        for number, each in enumerate(value if isinstance(value, tuple) else (value,)):
            at = f"{place}{name}[{number}]" if isinstance(value, tuple) else f"{place}{name}"
            if isinstance(each, msgspec.Struct):
                check_sizes(each, smallest=smallest, largest=largest, place=f"{at}.")
            elif isinstance(each, float) and each and not smallest <= abs(each) <= largest:
                raise CalculationInvalid(at, f"must be 0 or of a size from {smallest:g} to {largest:g}, not {each:g}")


def blamed(error: DomainError, names: Mapping[str, str]) -> CalculationInvalid:
    """Return the refusal of a calculation, whose message begins with a figure's name, by the field that held it.

    names: figure to field, where they differ.
    """
    figure, found, problem = error.message.partition(": ")
    if not found:
        return CalculationInvalid("", error.message, hint=error.hint)
    return CalculationInvalid(names.get(figure, figure), problem, hint=error.hint)


def _refusal(kind: type[msgspec.Struct], text: str) -> CalculationInvalid:
    at = _AT.search(text)
    place, told = (at[1], text[: at.start()]) if at else ("", text)
    named = _FIELD.search(told)
    if named is not None:
        field = f"{place}.{named[1]}" if place else named[1]
        if "unknown" in told:
            known = "" if place else f" Known are {', '.join(sorted(kind.__struct_fields__))}."
            return CalculationInvalid(field, "is not known", hint=f"Leave it out or correct its name.{known}")
        return CalculationInvalid(field, "is missing", hint="Add it.")
    types = _TYPES.search(told)
    if types is not None:
        wanted, got = types[1].removesuffix(" | null"), types[2]
        found = "one with a decimal point" if (wanted, got) == _FRACTION else _WORDS.get(got, got)
        return CalculationInvalid(place, f"must be {_WORDS.get(wanted, wanted)}, not {found}")
    choice = _CHOICE.search(told)
    if choice is not None:
        return CalculationInvalid(place, f"{choice[1]} is not one of its values", hint=_choices(kind, place))
    length = _LENGTH.search(told)
    if length is not None:
        return CalculationInvalid(place, f"must have a length {length[1]}")
    return CalculationInvalid(place, told[:1].lower() + told[1:])


def _choices(kind: type[msgspec.Struct], place: str) -> str:
    """Return which values a field of the request has; fields with a choice are never nested."""
    hint = get_type_hints(kind)[place]
    literals = (part for part in (hint, *get_args(hint)) if get_origin(part) is Literal)
    return f"Use {', '.join(value for part in literals for value in get_args(part))}."
