"""Flags of bundles for tests, and experiments that set them."""

from collections.abc import Mapping
from typing import Any

from tests.experiments.assignment.builders import arms, experiment


def flag(key: str, kind: str = "BOOLEAN", default: object = False, layer: object = None) -> dict[str, Any]:
    """Return a flag, by default a truth value that is off."""
    return {"key": key, "kind": kind, "default": default, "layer": layer}


def setting(
    identity: int, control: Mapping[str, object], treatment: Mapping[str, object], **changes: Any
) -> dict[str, Any]:
    """Return an experiment, half and half, whose variants have these parameters."""
    variants = arms(500_000, 500_000)
    variants[0]["parameters"], variants[1]["parameters"] = dict(control), dict(treatment)
    return experiment(identity, variants=variants, **changes)
