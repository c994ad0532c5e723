"""JSON schemas of what this package takes and gives, from the types that read and hold it."""

from typing import Any, Final

import msgspec

from foundation.api import PROBLEM

Schema = dict[str, Any]
JSON: Final = "application/json"

_PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "A problem as RFC 9457 says; `errors` names the field to mend.",
    "required": ["type", "status", "code", "detail", "hint"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable, for programs."},
        "detail": {"type": "string"},
        "hint": {"type": "string", "description": "What to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer into the request's body."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
PROBLEMS: Final = {(status, PROBLEM): _PROBLEM for status in (400, 401, 422)}
"""The responses that every endpoint of this package may give: unreadable JSON, no valid key, unusable values."""


def schema_of(kind: Any) -> Schema:
    """Return the JSON schema of a Struct or dataclass, every reference replaced by what it points at."""
    (found,), components = msgspec.json.schema_components([kind], ref_template="{name}")
    resolved: Schema = _resolved(found, components)
    return resolved


def _resolved(node: Any, components: dict[str, Schema]) -> Any:
    if isinstance(node, list):
        return [_resolved(entry, components) for entry in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        rest = {name: value for name, value in node.items() if name != "$ref"}
        return _resolved(components[node["$ref"]] | rest, components)
    return {name: _resolved(value, components) for name, value in node.items()}
