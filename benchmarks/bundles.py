"""Bundles of any size for the benchmarks, with every feature of assignment in use."""

from collections.abc import Mapping


def full_feature_content(*, live: int, eligible: int = 20) -> dict[str, object]:
    """Return a bundle's content with `live` running experiments of which a shopper in DE is in `eligible`.

    Each experiment has a layer, a holdout, an audience of two conditions and a parameter. Layers are shared
    by live / eligible experiments, each with its own part of the slots.
    """
    crowd = max(1, live // eligible)
    layers = -(-live // crowd)
    return {
        "schema": 1,
        "project": {"id": 1, "key": "bench"},
        "version": 1,
        "holdouts": [{"id": 1, "key": "long-term", "salt": "h" * 22, "unit_kind": "visitor", "share": 0}],
        "layers": [{"id": n, "key": f"layer-{n}", "salt": f"layer-salt-{n:011d}"} for n in range(1, layers + 1)],
        "experiments": [_experiment(n, n // crowd + 1, _part(n % crowd, crowd)) for n in range(live)],
    }


def _part(position: int, crowd: int) -> list[int]:
    return [1_000_000 * position // crowd, 1_000_000 * (position + 1) // crowd]


def _experiment(number: int, layer: int, part: list[int]) -> Mapping[str, object]:
    def variant(key: str, start: int) -> Mapping[str, object]:
        return {
            "key": key,
            "control": key == "control",
            "state": "OPEN",
            "weight": 500_000,
            "ranges": [[start, start + 500_000]],
            "parameters": {"free_shipping_from": 49.0 if key == "control" else 0.0},
        }

    return {
        "id": number + 1,
        "key": f"experiment-{number}",
        "status": "RUNNING",
        "salt": f"experiment-salt{number:07d}",
        "unit_kind": "visitor",
        "layer": layer,
        "layer_ranges": [part],
        "holdout": 1,
        "audience": {
            "all": [
                {"attribute": "country", "op": "eq", "value": "DE"},
                {"attribute": "orders", "op": "gte", "value": 1},
            ]
        },
        "coverage": 1_000_000,
        "epoch": 1,
        "epoch_opened_at": "2026-01-01T00:00:00Z",
        "personalised": False,
        "variants": [variant("control", 0), variant("treatment", 500_000)],
        "overrides": {},
    }
