"""What models of advertising learn from: what was shown and what came of it, split at two points in time."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decisions.domain import DecisionLog
from decisions.domains.ad_placement.features import SAID, SLOT, creative_numbers, moment_numbers
from decisions.domains.ad_placement.reward import CLICK, ORDER
from decisions.policy import Indices
from models_registry.pipeline import TrainingDataInsufficient, TrainingDataInvalid

LEAST_CLICKS: Final = 10
"""Fewer clicks to learn from teach nothing but the rate."""
HOUR: Final = 3_600.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Showings:
    """Creatives that were shown: columns of equal length. moments: places in the subjects. items: in the creatives.

    shown, clicked, ordered: how often; a row of a log was shown once, a row of a summary many times.
    """

    moments: Indices
    items: Indices
    shown: Floats
    clicked: Floats
    ordered: Floats

    def part(self, rows: slice) -> "Showings":
        """Return some of the rows."""
        return Showings(self.moments[rows], self.items[rows], self.shown[rows], self.clicked[rows], self.ordered[rows])

    def weighted(self, weights: Floats) -> "Showings":
        """Return the rows as if each had happened so often."""
        return Showings(self.moments, self.items, self.shown * weights, self.clicked * weights, self.ordered * weights)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True, eq=False)
class AdData:
    """Showings in the order of time, the first to learn from, then to calibrate with, then to judge by.

    subjects: distinct moments x facts. numbers: creatives x numbers. units: of the rows to judge by, parallel to
    `judged`; `slots` their slots. known: whether a creative was shown among the rows to learn from.
    """

    item_ids: tuple[str, ...]
    numbers: Indices
    subjects: Indices
    learnt: Showings
    calibrated: Showings
    judged: Showings
    units: Indices
    slots: tuple[str, ...]
    facts: dict[str, Any]

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Whether each creative was shown in what is learnt from."""
        known = np.zeros(len(self.item_ids), dtype=np.bool_)
        known[self.learnt.items] = True
        return known


def split_log(log: DecisionLog, *, test_share: float, calibration_share: float, most_rows: int) -> AdData:
    """Return the latest rows of a log, split so that the latest shares of them calibrate and judge.

    Rows of the same time stay together. A log's weights count where it is learnt from, not where it is judged by.

    Raises:
        TrainingDataInvalid: a column is too short, out of order or out of bounds, or holds values not finite.
        TrainingDataInsufficient: too few clicks, or nothing but clicks, before the split; nothing to judge by.
    """
    ensure_valid(log)
    first = max(0, len(log.at) - most_rows)
    subjects, moments = _subjects(log, first)
    rows = slice(first, None)
    clicked = log.rewards[CLICK][rows]
    showings = Showings(
        moments=moments,
        items=log.items[rows].astype(np.int64),
        shown=np.ones(len(moments)),
        clicked=clicked.astype(np.float64),
        ordered=(log.rewards[ORDER][rows] & clicked).astype(np.float64),
    )
    at = log.at[rows]
    test_from = _cut(at, test_share)
    calibrate_from = _cut(at[:test_from], calibration_share / max(1e-9, 1.0 - test_share))
    judged = showings.part(slice(test_from, None))
    if log.weights is not None:
        showings = showings.weighted(log.weights[rows])
    learnt = showings.part(slice(0, calibrate_from))
    ensure_learnable(learnt)
    if not len(judged):
        raise TrainingDataInsufficient("Nothing was shown late enough to judge by.")
    texts = {name: column for name, column in log.fields.items() if isinstance(column, tuple)}
    return AdData(
        item_ids=log.item_ids,
        numbers=creative_numbers(log.item_ids, texts),
        subjects=subjects,
        learnt=learnt,
        calibrated=showings.part(slice(calibrate_from, test_from)),
        judged=judged,
        units=log.units[rows][test_from:].astype(np.int64),
        slots=slots_shown(log)[first + test_from :],
        facts=_facts(log, first, _iso(float(at[test_from])), learnt, judged),
    )


def ensure_learnable(learnt: Showings) -> None:
    """Let pass showings of both kinds. Raises TrainingDataInsufficient for too few clicks or for nothing else."""
    clicks, shown = float(learnt.clicked.sum()), float(learnt.shown.sum())
    if clicks < LEAST_CLICKS:
        raise TrainingDataInsufficient(
            f"There are {clicks:.0f} clicks to learn from among {shown:.0f} showings; there must be {LEAST_CLICKS}."
        )
    if clicks >= shown:
        raise TrainingDataInsufficient("Every showing to learn from was clicked: there is nothing to tell apart.")


def ensure_valid(log: DecisionLog) -> None:
    """Let pass a log whose columns are what DecisionLog says. Raises TrainingDataInvalid, naming the column."""
    rows, items = len(log.at), len(log.item_ids)
    if not rows:
        raise TrainingDataInsufficient("The window holds no decision that is complete.")
    rewards = {name: log.rewards.get(name, np.zeros(0, np.bool_)) for name in (CLICK, ORDER)}
    weights = np.ones(rows) if log.weights is None else log.weights
    columns: Mapping[str, Any] = {"units": log.units, "items": log.items, "propensities": log.propensities, **rewards}
    columns = {**columns, "weights": weights}
    for name, column in (*columns.items(), *log.context.items()):
        _ensure(len(column) == rows, f"The column {name} has not the length of the column at.")
    for name, field in log.fields.items():
        _ensure(len(field) == items, f"The column {name} has not one entry for each creative.")
    for name, numbers in (("at", log.at), ("propensities", log.propensities), ("weights", weights)):
        _ensure(bool(np.isfinite(numbers).all()), f"The column {name} has values that are not finite.")
    _ensure(bool((weights >= 0.0).all()), "The column weights has negative values.")
    _ensure(bool(((log.propensities > 0.0) & (log.propensities <= 1.0)).all()), "A propensity is no probability.")
    _ensure(log.items.min() >= 0 and log.items.max() < items, "The column items has codes out of bounds.")
    _ensure(bool(log.units.min() >= 0), "The column units has codes out of bounds.")
    _ensure(len(set(log.item_ids)) == items, "Two creatives have the same id.")
    _ensure(bool((np.diff(log.at) >= 0).all()), "The rows are not in the order of time.")


def fingerprint(log: DecisionLog, first: int) -> str:
    """Return the SHA-256 of the rows from `first` on: of each column, as little-endian numbers or as JSON."""
    hashed = hashlib.sha256()
    columns: Mapping[str, tuple[npt.NDArray[Any], str]] = {
        "units": (log.units, "<i4"),
        "items": (log.items, "<i4"),
        "at": (log.at, "<f8"),
        CLICK: (log.rewards[CLICK], "<i1"),
        ORDER: (log.rewards[ORDER], "<i1"),
    }
    for name, (column, dtype) in columns.items():
        hashed.update(f"{name}:{len(column) - first}:".encode())
        hashed.update(np.ascontiguousarray(column[first:], dtype=dtype).tobytes())
    texts = {name: column for name, column in log.fields.items() if isinstance(column, tuple)}
    said = {name: log.context[name][first:] for name in SAID if name in log.context}
    hashed.update(json.dumps([log.item_ids, texts, said], ensure_ascii=True, sort_keys=True).encode())
    return hashed.hexdigest()


def slots_shown(log: DecisionLog) -> tuple[str, ...]:
    """Return the slot of each row as models read it while serving: the first one where a decision fills several."""
    nothing = ("",) * len(log.at)
    one, several = (log.context.get(name, nothing) for name in (SLOT, "slots"))
    return tuple(slot or _first(listed) for slot, listed in zip(one, several, strict=True))


@lru_cache(maxsize=1_024)
def _first(listed: str) -> str:
    """Return the first of a JSON list of texts, "" for anything else."""
    try:
        names = json.loads(listed) if listed else []
    except ValueError:
        return ""
    return next((name for name in names if isinstance(name, str)), "") if isinstance(names, list) else ""


def _subjects(log: DecisionLog, first: int) -> tuple[Indices, Indices]:
    """Return the distinct moments of the rows from `first` on, and which of them each row has."""
    nothing = ("",) * len(log.at)
    said = [log.context.get(name, nothing)[first:] for name in SAID]
    said[SAID.index(SLOT)] = slots_shown(log)[first:]
    hours = (log.at[first:] // HOUR).astype(np.int64).tolist()
    places: dict[tuple[Any, ...], int] = {}
    rows = np.fromiter(
        (places.setdefault(moment, len(places)) for moment in zip(*said, hours, strict=True)), np.int64, len(hours)
    )
    numbers = [
        moment_numbers(dict(zip(SAID, moment[:-1], strict=True)), datetime.fromtimestamp(moment[-1] * HOUR, UTC))
        for moment in places
    ]
    distinct, codes = np.unique(np.array(numbers, dtype=np.int64), axis=0, return_inverse=True)
    return distinct, codes.reshape(-1)[rows].astype(np.int64)


def _cut(at: Floats, share: float) -> int:
    """Return the row from which on about `share` of the rows come; rows of one time are not divided."""
    if not len(at):
        return 0
    split_at = at[min(len(at) - 1, int(len(at) * (1.0 - share)))]
    return int(np.searchsorted(at, split_at, side="left"))


def _facts(log: DecisionLog, first: int, split_at: str, learnt: Showings, judged: Showings) -> dict[str, Any]:
    return {
        "rows": len(log.at) - first,
        "units": len(np.unique(log.units[first:])),
        "items": len(log.item_ids),
        "clicks": int(log.rewards[CLICK][first:].sum()),
        "orders": int(log.rewards[ORDER][first:].sum()),
        "sha256": fingerprint(log, first),
        "start": log.start.isoformat(),
        "end": log.end.isoformat(),
        "split_at": split_at,
        "train_rows": len(learnt),
        "test_rows": len(judged),
    }


def _ensure(holds: bool, sentence: str) -> None:
    if not holds:
        raise TrainingDataInvalid(sentence)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
