"""JSON schemas of what this package takes and gives, from the types that read and hold it."""

from typing import Any, Final

import msgspec

from foundation.api import problems

Schema = dict[str, Any]
JSON: Final = "application/json"

PROBLEMS: Final = problems(400, 401, 413, 415, 422)
"""What every endpoint of this package may refuse with: unreadable JSON, no valid key, too much, unusable values."""


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
