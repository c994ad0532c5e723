"""The manifest's JSON Schema, made from its dataclasses, and what in a manifest breaks it."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, TypeChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from experiments.recorded.faults import Fault, Path, did_you_mean
from experiments.recorded.manifest import Manifest

_KEY_RULE = "1 to 64 lower-case letters, digits, dots, dashes or underscores, starting with a letter or digit"
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of names to values",
}


def _whole(_checker: TypeChecker, instance: object) -> bool:
    """Return whether a value was written as a whole number: 1.0 was not, though JSON Schema says it is one."""
    return isinstance(instance, int) and not isinstance(instance, bool)


_Validator = extend(Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _whole))


@cache
def _schema() -> dict[str, Any]:
    made = msgspec.json.schema(Manifest)
    definitions = {name.removesuffix("Part"): _plain(part) for name, part in made["$defs"].items()}
    top = definitions.pop("Manifest")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **top,
        "title": "Manifest of a recorded experiment",
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """Return the JSON Schema as it is published, ending in a newline."""
    return json.dumps(_schema(), indent=2, ensure_ascii=False) + "\n"


def schema_faults(data: object) -> list[Fault]:
    """Return everything in the data that breaks the schema; empty when nothing does."""
    errors = _Validator(_schema()).iter_errors(data)
    return list(dict.fromkeys(fault for error in errors for fault in _worded(error)))


def _plain(part: Any) -> Any:
    """Return a part of the schema in which what may be left out is left out, not null, and nothing may be added."""
    if isinstance(part, list):
        return [_plain(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    found = {name: _plain(entry) for name, entry in part.items() if not (name == "default" and entry is None)}
    if "$ref" in found:
        found["$ref"] = found["$ref"].removesuffix("Part")
    if "properties" in found:
        found["additionalProperties"] = False
    choices = [choice for choice in found.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        return {**{name: entry for name, entry in found.items() if name != "anyOf"}, **choices[0]}
    if choices:
        found["anyOf"] = choices
    return found


def _worded(error: ValidationError) -> Iterator[Fault]:
    path: Path = tuple(error.absolute_path)
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                told = error.schema["properties"][name].get("description", "")
                yield Fault(path, f"{name} is missing", f"add {name}. {told}".rstrip())
    elif error.validator == "additionalProperties":
        for name in error.instance:
            if name not in error.schema["properties"]:
                yield Fault((*path, name), "is not a known name", did_you_mean(name, error.schema["properties"]))
    else:
        yield _worded_value(path, error)


def _worded_value(path: Path, error: ValidationError) -> Fault:
    shown, wanted = _shown(error.instance), error.validator_value
    told: dict[str, tuple[str, Callable[[], str]]] = {
        "enum": ("is not known", lambda: did_you_mean(str(error.instance), [str(value) for value in wanted])),
        "pattern": ("is not a key", lambda: f"use {_KEY_RULE}."),
        "type": (f"is not {_kind(wanted)}", lambda: _type_fix(error)),
        "anyOf": ("does not fit", lambda: _any_fix(error)),
        "minItems": ("is too short", lambda: f"give at least {wanted} entries."),
        "minLength": ("is empty", lambda: "write something, or remove the line if it may be left out."),
        "maxLength": ("is too long", lambda: f"use at most {wanted} characters."),
    }
    message, fix = told.get(str(error.validator), ("is out of bounds", lambda: _bounds(error.schema)))
    return Fault(path, f"{shown} {message}", fix())


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kind(types: object) -> str:
    names = types if isinstance(types, list) else [types]
    return " or ".join(_TYPES.get(str(name), str(name)) for name in names)


def _type_fix(error: ValidationError) -> str:
    if error.instance is None:
        return "give a value, or remove the line if it may be left out."
    if "string" in _listed(error.validator_value) and isinstance(error.instance, (bool, int, float)):
        return "put it into quotes."
    return f"write {_kind(error.validator_value)}."


def _any_fix(error: ValidationError) -> str:
    if any("$ref" in choice for choice in error.validator_value):
        return "write the name of a column, or {control: its column, treatment: its column}."
    return "write a text or a whole number; put everything else into quotes."


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _bounds(schema: Mapping[str, Any]) -> str:
    return "; ".join(_bound_words(schema)) + "."


def _bound_words(schema: Mapping[str, Any]) -> Iterator[str]:
    words = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "above",
        "exclusiveMaximum": "below",
    }
    for name, word in words.items():
        if name in schema:
            yield f"must be {word} {schema[name]}"
