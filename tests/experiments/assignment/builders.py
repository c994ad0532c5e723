"""Bundle content for tests, one part at a time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.snapshot import Snapshot

SLOTS = 1_000_000
AT = datetime(2026, 6, 1, tzinfo=UTC)


def variant(key: str, ranges: Sequence[Sequence[int]], **changes: Any) -> dict[str, Any]:
    """Return a variant that holds these slots; the one called control is the control."""
    return {
        "key": key,
        "control": key == "control",
        "state": "OPEN",
        "weight": sum(end - start for start, end in ranges),
        "ranges": [list(pair) for pair in ranges],
        "parameters": {"arm": key},
    } | changes


def arms(*weights: int) -> list[dict[str, Any]]:
    """Return control and arm-1, arm-2 .. on contiguous slots."""
    found, start = [], 0
    for number, weight in enumerate(weights):
        span = [[start, start + weight]] if weight else []
        found.append(variant(f"arm-{number}" if number else "control", span))
        start += weight
    return found


def experiment(identity: int, **changes: Any) -> dict[str, Any]:
    """Return a running experiment on visitors, half and half, open to everybody."""
    return {
        "id": identity,
        "key": f"experiment-{identity}",
        "status": "RUNNING",
        "salt": f"salt-of-experiment-{identity}",
        "unit_kind": "visitor",
        "layer": None,
        "layer_ranges": [],
        "holdout": None,
        "audience": None,
        "coverage": SLOTS,
        "epoch": 1,
        "epoch_opened_at": "2026-01-01T00:00:00Z",
        "personalised": False,
        "variants": arms(500_000, 500_000),
        "overrides": {},
    } | changes


def holdout(identity: int, *, share: int, **changes: Any) -> dict[str, Any]:
    """Return a holdout of visitors."""
    salt = f"salt-of-holdout-{identity}"
    return {
        "id": identity,
        "key": f"holdout-{identity}",
        "salt": salt,
        "unit_kind": "visitor",
        "share": share,
    } | changes


def layer(identity: int) -> dict[str, Any]:
    """Return a layer."""
    return {"id": identity, "key": f"layer-{identity}", "salt": f"salt-of-layer-{identity}"}


def content(
    *experiments: Mapping[str, Any],
    layers: Sequence[Mapping[str, Any]] = (),
    holdouts: Sequence[Mapping[str, Any]] = (),
    version: int = 1,
) -> dict[str, Any]:
    """Return a bundle's content."""
    return {
        "schema": 1,
        "project": {"id": 1, "key": "shop"},
        "version": version,
        "holdouts": list(holdouts),
        "layers": list(layers),
        "experiments": list(experiments),
    }


def compiled(*experiments: Mapping[str, Any], **parts: Any) -> Snapshot:
    """Return the snapshot of a bundle's content."""
    return compile_snapshot(content(*experiments, **parts))
