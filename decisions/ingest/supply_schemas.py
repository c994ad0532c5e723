"""The bodies that carry costs, suppliers and stock, in the words of JSON Schema."""

from typing import Final

from decisions.ingest.fields import LARGEST_STOCK, LONGEST_ID, LONGEST_TEXT
from decisions.ingest.item_schemas import Schema, stock_schema
from decisions.ingest.supply import LONGEST_LEAD

_ID: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}
_TIME: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}


def cost_schema() -> Schema:
    """Return the schema of an item of `PUT /v1/costs`."""
    return {
        "type": "object",
        "required": ["item_id", "cost"],
        "properties": {
            "item_id": _ID,
            "cost": {"type": ["number", "string"], "description": "What a piece costs the shop; at least 0."},
            "currency": {"type": "string", "description": "The project's; another one is refused."},
            "from": _TIME | {"description": "Since when; from now on where it is missing."},
        },
    }


def supplier_schema() -> Schema:
    """Return the schema of an item of `PUT /v1/suppliers`."""
    return {
        "type": "object",
        "required": ["supplier_id", "lead_days"],
        "properties": {
            "supplier_id": _ID,
            "name": {"type": "string", "maxLength": LONGEST_TEXT},
            "lead_days": {
                "type": "number",
                "minimum": 0,
                "maximum": LONGEST_LEAD,
                "description": "Mean days from an order until the goods can be sold.",
            },
            "lead_sd": {
                "type": ["number", "null"],
                "minimum": 0,
                "maximum": LONGEST_LEAD,
                "description": "Standard deviation of them; 0 where it is missing.",
            },
        },
    }


def count_schema() -> Schema:
    """Return the schema of an item of `PUT /v1/stock`: of the catalogue alone, or in a store at a time."""
    in_store: Schema = {
        "type": "object",
        "required": ["store_id", "item_id", "stock"],
        "properties": {
            "store_id": _ID,
            "item_id": _ID,
            "stock": _pieces("On hand.") | {"type": "integer"},
            "on_order": _pieces("Ordered and not there yet; 0 where it is missing."),
            "capacity": _pieces("The most that there is room for."),
            "reorder_point": _pieces("Of the shop's own rule: at or below it something is ordered."),
            "order_up_to": _pieces("Of the shop's own rule: up to this much."),
            "counted_at": _TIME | {"description": "When it was counted, not in the future; now where it is missing."},
        },
    }
    return {"anyOf": [stock_schema(), in_store]}


def _pieces(about: str) -> Schema:
    return {"type": ["integer", "null"], "minimum": 0, "maximum": LARGEST_STOCK, "description": about}
