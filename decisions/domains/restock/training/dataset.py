"""What models of restock learn from and are judged on: days side by side, the last weeks held out."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decisions.domain import SalesLog
from decisions.domains.restock.training.panel import WEEK, Panel, panel_of
from models_registry.pipeline import TrainingDataInsufficient

LEAST_WEEKS: Final = 4
"""Fewer weeks before those that judge teach nothing of a week."""


@dataclass(frozen=True, slots=True, eq=False)
class SalesData:
    """Days to learn from, then whole weeks to judge by, of the same series."""

    learnt: Panel
    judged: Panel
    facts: dict[str, Any]


def split_log(log: SalesLog, *, test_weeks: int, most_days: int) -> SalesData:
    """Return the latest days of a log, the last `test_weeks` weeks of them to judge by.

    Raises:
        TrainingDataInvalid: a column is too short, out of order or out of bounds, or holds values that cannot be.
        TrainingDataInsufficient: too few days before those that judge.
    """
    whole = panel_of(log)
    panel = whole.between(max(0, whole.steps - most_days), whole.steps)
    cut = panel.steps - WEEK * test_weeks
    if cut < WEEK * LEAST_WEEKS:
        raise TrainingDataInsufficient(
            f"There are {panel.steps} days, of which {WEEK * test_weeks} judge: {WEEK * LEAST_WEEKS} more are needed."
        )
    learnt = panel.between(0, cut).with_bounds()
    first = datetime.fromtimestamp(float(log.at[0]), log.start.tzinfo)
    split_at = first + timedelta(days=whole.steps - WEEK * test_weeks)
    return SalesData(learnt, panel.between(cut, panel.steps), _facts(log, panel, learnt, split_at))


def fingerprint(log: SalesLog) -> str:
    """Return the SHA-256 of what is learnt from: each column, as little-endian numbers or as JSON."""
    hashed = hashlib.sha256()
    columns: tuple[tuple[str, npt.NDArray[Any], str], ...] = (
        ("series", log.series, "<i4"),
        ("at", log.at, "<f8"),
        ("units", log.units, "<f8"),
        ("in_stock", log.in_stock, "<f8"),
    )
    for name, column, dtype in columns:
        hashed.update(f"{name}:{len(column)}:".encode())
        hashed.update(np.ascontiguousarray(column, dtype=dtype).tobytes())
    hashed.update(json.dumps(log.series_ids, ensure_ascii=True).encode())
    return hashed.hexdigest()


def _facts(log: SalesLog, panel: Panel, learnt: Panel, split_at: datetime) -> dict[str, Any]:
    return {
        "rows": len(log.at),
        "series": panel.series,
        "days": panel.steps,
        "pieces": float(panel.units.sum()),
        "days_without_stock": int((~panel.known).sum()),
        "days_sold_out": int(panel.censored.sum()),
        "sha256": fingerprint(log),
        "start": log.start.isoformat(),
        "end": log.end.isoformat(),
        "split_at": split_at.astimezone(UTC).isoformat(),
        "train_rows": int(learnt.known.sum()),
    }
