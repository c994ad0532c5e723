"""What recommendation models learn from, and whom they are judged on: a log split at one point in time."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from decisions.domain import INTERACTIONS, InteractionLog
from decisions.domains.recommendation.features import INTENT, history_of
from decisions.policy import Indices
from models_registry.pipeline import TrainingDataInsufficient, TrainingDataInvalid

LEAST_UNITS: Final = 2
LEAST_ITEMS: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """A user to judge by: what they dealt with before the split, as serving would see it, and what was new after.

    known: every item before the split, ascending; neither a target nor to be ranked. targets: ascending.
    """

    history: Indices
    known: Indices
    targets: Indices


@dataclass(frozen=True, slots=True, eq=False)
class RecommendationData:
    """A log split in time: the rows before `split_at` are learnt from, the rows after it are judged by.

    contacts: units x items before the split, each the intent of the strongest interaction. popularity: their sums by
    item, in the share of the largest. held_out: at most the asked number of users.
    """

    log: InteractionLog
    train_rows: int
    contacts: csr_array
    popularity: npt.NDArray[np.float32]
    held_out: tuple[HeldOut, ...]
    facts: dict[str, Any]


def split_log(log: InteractionLog, *, share: float, most_users: int, seed: int) -> RecommendationData:
    """Return the log split so that about `share` of its rows come after the split, and whom to judge by.

    Rows of the same time stay together. most_users: judged ones; where there are more, the seed draws them.

    Raises:
        TrainingDataInvalid: a column is too short, out of order or out of bounds, or holds values not finite.
        TrainingDataInsufficient: fewer than two units or items before the split, or nobody to judge by.
    """
    ensure_valid(log)
    if not len(log.at):
        raise TrainingDataInsufficient("The window holds no interactions.")
    split_at = float(log.at[min(len(log.at) - 1, int(len(log.at) * (1.0 - share)))])
    train_rows = int(np.searchsorted(log.at, split_at, side="left"))
    units, items = (len(np.unique(column[:train_rows])) for column in (log.units, log.items))
    if units < LEAST_UNITS or items < LEAST_ITEMS:
        raise TrainingDataInsufficient(
            f"Before {_iso(split_at)} the window holds {units} units and {items} items; both must be 2 or more."
        )
    held_out = tuple(_held_out(log, train_rows, most_users=most_users, seed=seed))
    if not held_out:
        raise TrainingDataInsufficient(f"Nobody with a history met an item new to them after {_iso(split_at)}.")
    contacts = _contacts(log, train_rows)
    counts = np.asarray(contacts.sum(axis=0), dtype=np.float64)
    return RecommendationData(
        log=log,
        train_rows=train_rows,
        contacts=contacts,
        popularity=(counts / counts.max()).astype(np.float32),
        held_out=held_out,
        facts=_facts(log, split_at, train_rows, len(held_out)),
    )


def ensure_valid(log: InteractionLog) -> None:
    """Let pass a log whose columns are what InteractionLog says. Raises TrainingDataInvalid, naming the column."""
    rows, items = len(log.at), len(log.item_ids)
    for name, length in (("units", rows), ("items", rows), ("kinds", rows)):
        _ensure(len(getattr(log, name)) == length, f"The column {name} has not the length of the column at.")
    for name in ("categories", "prices", "ratings"):
        _ensure(len(getattr(log, name)) == items, f"The column {name} has not one entry for each item.")
    _ensure(len(log.titles) in (0, items), "The column titles has not one entry for each item.")
    for name in ("at", "prices", "ratings"):
        _ensure(bool(np.isfinite(getattr(log, name)).all()), f"The column {name} has values that are not finite.")
    for name in ("prices", "ratings"):
        _ensure(bool((getattr(log, name) >= 0).all()), f"The column {name} has negative values.")
    for name, below in (("units", np.iinfo(np.int32).max), ("items", items), ("kinds", len(INTERACTIONS))):
        column = getattr(log, name)
        _ensure(not rows or (column.min() >= 0 and column.max() < below), f"The column {name} has codes out of bounds.")
    _ensure(len(set(log.item_ids)) == items, "Two items have the same id.")
    _ensure(bool((np.diff(log.at) >= 0).all()), "The rows are not in the order of time.")
    inside = not rows or (log.at[0] >= log.start.timestamp() and log.at[-1] < log.end.timestamp())
    _ensure(bool(inside), "There are rows outside the window.")


def by_unit(units: npt.NDArray[np.int32]) -> Iterator[Indices]:
    """Yield the rows of each unit, in the order of time."""
    order = np.argsort(units, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(units[order])) + 1) if len(order) else ()


def _ensure(holds: bool, sentence: str) -> None:
    if not holds:
        raise TrainingDataInvalid(sentence)


def _held_out(log: InteractionLog, train_rows: int, *, most_users: int, seed: int) -> Iterator[HeldOut]:
    after = np.unique(log.units[train_rows:])
    both = np.intersect1d(after, log.units[:train_rows])
    judged = np.flatnonzero(np.isin(log.units, both))
    rows_of = [judged[rows] for rows in by_unit(log.units[judged])]
    rng = np.random.default_rng(seed)
    left = most_users
    for place in rng.permutation(len(rows_of)):
        rows = rows_of[place]
        before = log.items[rows[rows < train_rows]]
        known = np.unique(before).astype(np.int64)
        targets = np.setdiff1d(log.items[rows[rows >= train_rows]], known).astype(np.int64)
        if len(targets) and left > 0:
            left -= 1
            yield HeldOut(history_of(before), known, targets)


def _contacts(log: InteractionLog, train_rows: int) -> csr_array:
    """Return the strongest intent of each unit for each item before the split."""
    items = len(log.item_ids)
    pairs = log.units[:train_rows].astype(np.int64) * items + log.items[:train_rows]
    distinct, place = np.unique(pairs, return_inverse=True)
    strongest = np.zeros(len(distinct), dtype=np.float32)
    np.maximum.at(strongest, place, INTENT[log.kinds[:train_rows]])
    return csr_array((strongest, (distinct // items, distinct % items)), shape=(log.unit_count, items))


def _facts(log: InteractionLog, split_at: float, train_rows: int, held_out: int) -> dict[str, Any]:
    return {
        "rows": len(log.at),
        "units": len(np.unique(log.units)),
        "items": len(log.item_ids),
        "sha256": fingerprint(log),
        "start": log.start.isoformat(),
        "end": log.end.isoformat(),
        "split_at": _iso(split_at),
        "train_rows": train_rows,
        "test_users": held_out,
    }


def fingerprint(log: InteractionLog) -> str:
    """Return the SHA-256 of the log's columns, each by name, as little-endian numbers or as JSON."""
    hashed = hashlib.sha256()
    columns = {"units": "<i4", "items": "<i4", "kinds": "<i1", "at": "<f8", "prices": "<f4", "ratings": "<f4"}
    for name, dtype in columns.items():
        hashed.update(f"{name}:{len(getattr(log, name))}:".encode())
        hashed.update(np.ascontiguousarray(getattr(log, name), dtype=dtype).tobytes())
    texts: list[object] = [log.item_ids, log.categories, log.start.timestamp(), log.end.timestamp()]
    if log.titles:
        texts.append(log.titles)
    hashed.update(json.dumps(texts, ensure_ascii=True, separators=(",", ":")).encode())
    return hashed.hexdigest()


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
