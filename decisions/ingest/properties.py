"""Which properties of an event are kept: names of the Segment e-commerce specification that carry outcomes, and
the attributes that the project allows. Everything else is dropped at the door, and counted."""

from collections.abc import Mapping
from typing import Any

LONGEST_TEXT = 500
"""Characters of a kept text: long enough for every id, short enough for every index."""
MOST_PRODUCTS = 500

ORDER = frozenset(
    {
        "order_id",
        "checkout_id",
        "cart_id",
        "affiliation",
        "revenue",
        "total",
        "subtotal",
        "value",
        "shipping",
        "tax",
        "discount",
        "coupon",
        "currency",
        "quantity",
    }
)
PRODUCT = frozenset(
    {
        "product_id",
        "cluster_id",
        "sku",
        "category",
        "brand",
        "variant",
        "price",
        "quantity",
        "coupon",
        "position",
        "currency",
        "value",
    }
)
OTHER = frozenset(
    {"store_id", "cluster_id", "list_id", "promotion_id", "creative", "query", "step", "session_id", "rating"}
)
EXPOSURE = frozenset(
    {"experiment", "experiment_id", "experiment_name", "variation_id", "variation_name", "decision_id"}
)
KEPT = ORDER | PRODUCT | OTHER | EXPOSURE
LINES = "products"
ATTRIBUTES = "attributes"


def keep_allowed(properties: Mapping[str, Any], attributes: frozenset[str]) -> tuple[dict[str, Any], int]:
    """Return the properties that are kept and how many were dropped (a product's own count one each)."""
    kept: dict[str, Any] = {}
    dropped = 0
    for name, value in properties.items():
        if (name in KEPT or name in attributes) and (
            len(value) <= LONGEST_TEXT
            if type(value) is str  # the most frequent case, without a call
            else _is_plain(value)
        ):
            kept[name] = value
        elif name == LINES and isinstance(value, list) and len(value) <= MOST_PRODUCTS:
            kept[name], missing = _lines(value)
            dropped += missing
        elif name == ATTRIBUTES and isinstance(value, dict):
            kept[name], missing = keep_attributes(value, attributes)
            dropped += missing
        else:
            dropped += 1
    return kept, dropped


def keep_attributes(traits: Mapping[str, Any], attributes: frozenset[str]) -> tuple[dict[str, Any], int]:
    """Return the traits that the project allows and how many were dropped."""
    kept = {name: value for name, value in traits.items() if name in attributes and _is_plain(value)}
    return kept, len(traits) - len(kept)


def _lines(products: list[Any]) -> tuple[list[dict[str, Any]], int]:
    """Return the order lines; one that is no object stays an empty one, so that line numbers do not shift."""
    kept = []
    dropped = 0
    for product in products:
        fields = product if isinstance(product, dict) else {"": product}
        line = {name: value for name, value in fields.items() if name in PRODUCT and _is_plain(value)}
        dropped += len(fields) - len(line)
        kept.append(line)
    return kept, dropped


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return value is None or isinstance(value, int | float)
