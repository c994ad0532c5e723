"""The manifest's JSON Schema, made from its dataclasses, and what in a manifest breaks it."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

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
    errors = Draft202012Validator(_schema()).iter_errors(data)
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
    match error.validator:
        case "enum":
            return Fault(path, f"{_shown(error.instance)} is not known", _choice(error))
        case "pattern":
            return Fault(path, f"{_shown(error.instance)} is not a key", f"use {_KEY_RULE}.")
        case "type":
            return Fault(path, f"{_shown(error.instance)} is not {_kind(error.validator_value)}", _type_fix(error))
        case "anyOf":
            return Fault(path, f"{_shown(error.instance)} does not fit", _any_fix(error))
        case "minItems":
            return Fault(path, f"has {len(error.instance)} entries", f"give at least {error.validator_value}.")
        case "minLength":
            return Fault(path, "is empty", "write something, or remove the line if it may be left out.")
        case "maxLength":
            return Fault(path, "is too long", f"use at most {error.validator_value} characters.")
        case _:
            return Fault(path, f"{_shown(error.instance)} is out of bounds", _bounds(error.schema))


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kind(types: object) -> str:
    names = types if isinstance(types, list) else [types]
    return " or ".join(_TYPES.get(str(name), str(name)) for name in names)


def _choice(error: ValidationError) -> str:
    return did_you_mean(str(error.instance), [str(value) for value in error.validator_value])


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
