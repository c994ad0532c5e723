"""Assignment once more, naively: straight from the bundle's JSON, without compiling, indexing or short cuts.

It exists to be compared with. Whoever writes a client in another language can port this file first.
"""

from collections.abc import Mapping
from typing import Any

import xxhash

SLOTS = 1_000_000


def slot(salt: str, purpose: str, unit: str) -> int:
    """Return the slot of a unit for a purpose."""
    digest = xxhash.xxh3_64_digest(f"{salt}.{purpose}.{unit}".encode())
    return int.from_bytes(digest, "big") % SLOTS


def unit_fault(unit_id: object) -> str | None:
    """Return why an id cannot be assigned, or None."""
    if unit_id is None or unit_id == "":
        return "UNIT_MISSING"
    if not isinstance(unit_id, str) or "\0" in unit_id or any("\ud800" <= c <= "\udfff" for c in unit_id):
        return "UNIT_INVALID"
    return "UNIT_INVALID" if len(unit_id.encode()) > 10_240 else None


def answer(  # noqa: C901, PLR0911, PLR0912 - one step after the other, as a reader would do it by hand
    content: Mapping[str, Any],
    experiment: Mapping[str, Any],
    units: Mapping[str, Any],
    attributes: Mapping[str, Any],
    *,
    sticky: str | None = None,
    personalised: bool = True,
) -> tuple[str, str, tuple[int | None, int | None, int | None]]:
    """Return reason, variant key and slots of one experiment for one unit, long after its epoch opened."""
    control = next(variant for variant in experiment["variants"] if variant["control"])["key"]
    none = (None, None, None)
    unit = units.get(experiment["unit_kind"])
    if experiment["status"] != "RUNNING":
        return "NOT_RUNNING", control, none
    if fault := unit_fault(unit):
        return fault, control, none
    if unit in experiment["overrides"]:
        return "OVERRIDE", experiment["overrides"][unit], none
    layer_slot = None
    if experiment["layer"] is not None:
        layer = next(layer for layer in content["layers"] if layer["id"] == experiment["layer"])
        layer_slot = slot(layer["salt"], "layer", unit)
    only_layer = (layer_slot, None, None)
    if experiment["personalised"] and not personalised:
        return "PERSONALISATION_OFF", control, only_layer
    if experiment["holdout"] is not None:
        holdout = next(holdout for holdout in content["holdouts"] if holdout["id"] == experiment["holdout"])
        held = units.get(holdout["unit_kind"])
        if fault := unit_fault(held):
            return fault, control, only_layer
        if slot(holdout["salt"], "holdout", held) < holdout["share"]:
            return "HOLDOUT", control, only_layer
    if layer_slot is not None and not _within(experiment["layer_ranges"], layer_slot):
        return "LAYER_TAKEN", control, only_layer
    if experiment["audience"] is not None and not admits(experiment["audience"], attributes):
        return "AUDIENCE", control, only_layer
    for variant in experiment["variants"]:
        if variant["key"] == sticky:
            is_empty = variant["state"] == "EMPTY"
            return ("ARM_CLOSED" if is_empty else "STICKY"), (control if is_empty else variant["key"]), only_layer
    coverage_slot = None
    if experiment["coverage"] < SLOTS:
        coverage_slot = slot(experiment["salt"], "coverage", unit)
        if coverage_slot >= experiment["coverage"]:
            return "COVERAGE", control, (layer_slot, coverage_slot, None)
    variant_slot = slot(experiment["salt"], "variant", unit)
    slots = (layer_slot, coverage_slot, variant_slot)
    for variant in experiment["variants"]:
        if _within(variant["ranges"], variant_slot) and variant["state"] == "OPEN":
            return "SPLIT", variant["key"], slots
    return "ARM_CLOSED", control, slots


def admits(audience: Mapping[str, Any], attributes: Mapping[str, Any]) -> bool:  # noqa: PLR0911
    """Return whether attributes satisfy an audience (operators eq, ne, in, not_in, gt, gte, lt, lte, prefix)."""
    if "all" in audience:
        return all(admits(part, attributes) for part in audience["all"])
    if "any" in audience:
        return any(admits(part, attributes) for part in audience["any"])
    if "not" in audience:
        return not admits(audience["not"], attributes)
    held, op, value = attributes.get(audience["attribute"]), audience["op"], audience["value"]
    if held is None:
        return False
    if op in ("eq", "ne"):
        return _kind(held) == _kind(value) and (held == value) == (op == "eq")
    if op == "in":
        return any(_kind(held) == _kind(item) and held == item for item in value)
    if op == "not_in":
        peers = [item for item in value if _kind(held) == _kind(item)]
        return bool(peers) and held not in peers
    if op == "prefix":
        return isinstance(held, str) and held.startswith(value)
    if _kind(held) != "number":
        return False
    return {"gt": held > value, "gte": held >= value, "lt": held < value, "lte": held <= value}[op]


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _within(ranges: list[list[int]], point: int) -> bool:
    return any(start <= point < end for start, end in ranges)
