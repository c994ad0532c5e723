"""A run as plain values, for other programs."""

from collections.abc import Sequence
from typing import Any

from experiments.calibration.records import Result, StudyOutcome
from experiments.calibration.running import Order

SCHEMA = 1


def to_plain(outcomes: Sequence[StudyOutcome], order: Order) -> dict[str, Any]:
    """Return seed, effort and every result; equal runs give equal values."""
    return {
        "schema": SCHEMA,
        "seed": order.seed,
        "effort": str(order.effort),
        "replicates": order.replicates,
        "studies": [
            {
                "name": outcome.name,
                "skipped": outcome.skipped,
                "settings": [
                    {
                        "setting": setting.setting,
                        "replicates": setting.replicates,
                        "explained": setting.explained,
                        "results": [_result(result) for result in setting.results],
                    }
                    for setting in outcome.settings
                ],
            }
            for outcome in outcomes
        ],
    }


def _result(result: Result) -> dict[str, Any]:
    target = result.target
    return {
        "figure": result.figure,
        "value": result.value,
        "lower": result.lower,
        "upper": result.upper,
        "replicates": result.replicates,
        "target": None if target is None else {"low": target.low, "high": target.high},
        "state": str(result.state),
    }
