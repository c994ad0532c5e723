"""The bodies that carry a catalogue, in the words of JSON Schema, as far as they do not depend on the shop."""

from collections.abc import Mapping
from typing import Any, Final

from decisions.domain import Field, FieldKind
from decisions.ingest.collections import Collection
from decisions.ingest.fields import LARGEST_NUMBER, LARGEST_STOCK, LONGEST_ID, LONGEST_TEXT

Schema = dict[str, Any]

_ID: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}
_BUILT_IN: Final[Mapping[str, Schema]] = {
    "title": {"type": "string", "maxLength": LONGEST_TEXT},
    "category": {"type": "string", "maxLength": LONGEST_ID},
    "price": {"type": ["number", "string", "null"], "description": "In the currency of the project."},
    "rating": {"type": ["number", "null"], "minimum": 0, "maximum": 5},
    "stock": {
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": LARGEST_STOCK,
        "description": "How many pieces there are; null where the shop does not count.",
    },
}
_BY_KIND: Final[Mapping[FieldKind, Schema]] = {
    FieldKind.TEXT: {"type": "string", "maxLength": LONGEST_TEXT},
    FieldKind.NUMBER: {"type": "number", "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER},
    FieldKind.MONEY: {"type": ["number", "string"], "minimum": 0},
}


def stock_schema() -> Schema:
    """Return the schema of an item of `PUT /v1/stock`."""
    return {
        "type": "object",
        "required": ["item_id", "stock"],
        "properties": {"item_id": _ID, "stock": _BUILT_IN["stock"]},
    }


def action_schema(collection: Collection) -> Schema:
    """Return the schema of an action of a collection, with what its domains say of their fields."""
    extra = {name: _extra(field) for name, field in collection.extra.items()}
    return {
        "type": "object",
        "required": ["item_id", *(name for name, field in collection.declared.items() if field.required)],
        "properties": {"item_id": _ID, **{name: _BUILT_IN[name] for name in collection.built_in}, **extra},
    }


def batch_schema(item: Schema, *, most: int) -> Schema:
    """Return the schema of a body of at most so many items, which are judged one by one."""
    return {
        "type": "object",
        "required": ["items"],
        "additionalProperties": False,
        "properties": {
            "items": {
                "type": "array",
                "maxItems": most,
                "items": {
                    "description": "An item of another form is refused alone; the others are taken.",
                    "anyOf": [item, {}],
                },
            }
        },
    }


def _extra(field: Field) -> Schema:
    said: Schema = {**_BY_KIND[field.kind], "description": field.about}
    if field.required:
        return said | ({"minLength": 1} if field.kind is FieldKind.TEXT else {})
    kinds = said["type"] if isinstance(said["type"], list) else [said["type"]]
    return said | {"type": [*kinds, "null"]}
