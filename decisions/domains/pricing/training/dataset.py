"""The dataset of demand models: a sales log checked, its prices filled in, split in time into learnt and judged."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decisions.domain import SalesLog
from decisions.domains.pricing.training.doubts import Findings, find_doubts
from decisions.domains.pricing.training.panel import WEEK, Floats, Integers, Mask, Panel, day_numbers, filled_forward
from models_registry.pipeline import TrainingDataInsufficient, TrainingDataInvalid
from models_registry.predictors.demand import LARGEST_REFERENCE, MICROS, Doubt

LEAST_DAYS: Final = 28
"""Fewer days to learn from tell a price from a season even less."""
LEAST_OPEN: Final = 0.5
"""Days on which an item could be bought for a smaller share of the day are left out: their demand is not seen."""

_COLUMNS: Final = ("series", "at", "units", "price", "paid", "orders", "largest", "in_stock")


@dataclass(frozen=True, slots=True, eq=False)
class DemandData:
    """Items by their place in `item_ids`. learnt: the earlier days. judged: whole weeks of later days.

    weeks: of the rows to judge by, parallel to `judged`, places of their item-week. cluster, group: of each item,
    places of its cluster and of its category, in the order of the names; -1 where it has none.
    """

    item_ids: tuple[str, ...]
    learnt: Panel
    judged: Panel
    weeks: Integers
    cluster: Integers
    group: Integers
    findings: Findings
    facts: dict[str, Any]


def split_log(log: SalesLog, *, test_share: float) -> DemandData:
    """Return the days of a log with a known price, split so that about the latest share of the rows judges.

    A price that nobody told of is that of the day before, or the first one known. Judged are whole stretches of seven
    days on which an item could be bought, of items that are learnt from.

    Raises:
        TrainingDataInvalid: a column is too short or out of order, or holds values that cannot be.
        TrainingDataInsufficient: too few days, nothing sold, no price that ever changed, or nothing to judge by.
    """
    ensure_valid(log)
    panel, names = _panel(log)
    split = _split_day(panel, test_share)
    learnt_rows = panel.day < split
    known = np.zeros(panel.items, np.bool_)
    sold = np.bincount(panel.item[learnt_rows], panel.units[learnt_rows], minlength=panel.items)
    known[panel.item[learnt_rows]] = True
    known &= sold > 0.0
    ensure_learnable(panel, learnt_rows & known[panel.item], split)
    learnt = _of_items(panel.kept(learnt_rows & known[panel.item]), known)
    later = _of_items(panel.kept(~learnt_rows & known[panel.item]), known)
    judged, weeks = _whole_weeks(later, split)
    if not len(judged):
        raise TrainingDataInsufficient("No item was on sale for a whole week late enough to judge by.")
    series = names[known]
    findings = find_doubts(learnt)
    facts = _facts(log, learnt, judged, weeks, findings)
    facts["split_at"] = datetime.fromtimestamp(float(log.at[panel_rows_from(log, split)].min()), UTC).isoformat()
    return DemandData(
        item_ids=tuple(log.series_ids[place] for place in series.tolist()),
        learnt=learnt,
        judged=judged,
        weeks=weeks,
        cluster=_codes(log.clusters, series),
        group=_codes(log.categories, series),
        findings=findings,
        facts=facts,
    )


def panel_rows_from(log: SalesLog, day: int) -> Mask:
    """Return which rows of a log lie on a day, by its number, or later."""
    rows: Mask = day_numbers(log.at) >= day
    return rows


def ensure_learnable(panel: Panel, rows: Mask, split: int) -> None:
    """Let pass rows from which an effect of prices can be learnt. Raises TrainingDataInsufficient, saying why not."""
    days = len(np.unique(panel.day[panel.day < split]))
    if days < LEAST_DAYS:
        raise TrainingDataInsufficient(f"There are {days} days to learn from; there must be {LEAST_DAYS}.")
    if not panel.units[rows].sum() > 0.0:
        raise TrainingDataInsufficient("Nothing was sold on the days to learn from.")
    same = panel.item[rows][1:] == panel.item[rows][:-1]
    moved = np.abs(np.diff(panel.price[rows])) > 1e-9
    if not (same & moved).any():
        raise TrainingDataInsufficient(
            "No item changed its price on the days to learn from: what a price does to demand has never been seen. "
            "Let prices vary first, in an experiment."
        )


def ensure_valid(log: SalesLog) -> None:
    """Let pass a log whose columns are what SalesLog says. Raises TrainingDataInvalid, naming the column."""
    rows, series = len(log.at), len(log.series_ids)
    if not rows:
        raise TrainingDataInsufficient("The window holds no whole day with a sale.")
    for name in _COLUMNS:
        column = getattr(log, name)
        _ensure(len(column) == rows, f"The column {name} has not the length of the column at.")
        if name not in ("price", "paid"):
            _ensure(bool(np.isfinite(column).all()), f"The column {name} has values that are not finite.")
        _ensure(not bool((column < 0).any()) or name == "at", f"The column {name} has negative values.")
    for name in ("price", "paid"):
        known = getattr(log, name)
        known = known[~np.isnan(known)]
        _ensure(bool((known <= LARGEST_REFERENCE).all()), f"The column {name} has values out of bounds.")
    _ensure(bool((log.in_stock <= 1.0).all()), "The column in_stock has values above 1.")
    for name in ("items", "stores", "clusters", "categories", "costs"):
        _ensure(len(getattr(log, name)) == series, f"The column {name} has not one entry for each series.")
    _ensure(int(log.series.max()) < series, "The column series has codes out of bounds.")
    _ensure(len(set(log.series_ids)) == series, "Two series have the same id.")
    rises = (np.diff(log.at) > 0) | ((np.diff(log.at) == 0) & (np.diff(log.series) > 0))
    _ensure(bool(rises.all()), "The rows are not in the order of time and series.")


def fingerprint(log: SalesLog) -> str:
    """Return the SHA-256 of the columns, as little-endian numbers, and of what is known of the series, as JSON."""
    hashed = hashlib.sha256()
    for name in _COLUMNS:
        column = getattr(log, name)
        hashed.update(f"{name}:{len(column)}:".encode())
        hashed.update(np.ascontiguousarray(column, dtype="<i4" if name == "series" else "<f8").tobytes())
    hashed.update(json.dumps([log.series_ids, log.clusters, log.categories], ensure_ascii=True).encode())
    return hashed.hexdigest()


def _panel(log: SalesLog) -> tuple[Panel, Integers]:
    """Return the rows with a price on days of enough sale, and which series each of its items is."""
    order = np.lexsort((log.at, log.series))
    series = log.series[order].astype(np.int64)
    price = log.price[order]
    price = filled_forward(np.where(price >= 1.0 / MICROS, price, np.nan), series)
    usable = ~np.isnan(price) & (log.in_stock[order] >= LEAST_OPEN)
    rows, price = order[usable], price[usable]
    if not len(rows):
        raise TrainingDataInsufficient("No item has a known price.")
    names, item = np.unique(log.series[rows], return_inverse=True)
    panel = Panel(
        item=item.reshape(-1).astype(np.int64),
        day=day_numbers(log.at[rows]),
        units=log.units[rows].astype(np.float64),
        price=np.log(price),
        paid=_log(log.paid[rows]),
        largest=_log(log.largest[rows]),
        open=log.in_stock[rows].astype(np.float64),
        items=len(names),
    )
    return panel, names.astype(np.int64)


def _log(values: npt.NDArray[np.float64]) -> Floats:
    """Return the logs of what is above 0, NaN for the rest."""
    found: Floats = np.log(values, out=np.full(len(values), np.nan), where=values > 0.0)
    return found


def _split_day(panel: Panel, test_share: float) -> int:
    """Return the day from which on about `test_share` of the rows come, whole weeks before the last day."""
    days = np.sort(panel.day)
    wanted = int(days[min(len(days) - 1, int(len(days) * (1.0 - test_share)))])
    end = int(days[-1]) + 1
    return end - max(1, round((end - wanted) / WEEK)) * WEEK


def _whole_weeks(later: Panel, split: int) -> tuple[Panel, Integers]:
    """Return the rows of item-weeks that have all seven days, and for each row the place of its item-week."""
    week = (later.day - split) // WEEK
    keys = later.item * (int(week.max(initial=0)) + 1) + week
    _, place, days = np.unique(keys, return_inverse=True, return_counts=True)
    whole = days[place] == WEEK
    _, weeks = np.unique(keys[whole], return_inverse=True)
    return later.kept(whole), weeks.reshape(-1).astype(np.int64)


def _of_items(panel: Panel, known: Mask) -> Panel:
    """Return a panel whose places are those of the known items alone, all of its rows being theirs."""
    place = np.cumsum(known) - 1
    return replace(panel, item=place[panel.item].astype(np.int64), items=int(known.sum()))


def _codes(names: tuple[str, ...], series: Integers) -> Integers:
    """Return the place of each series' name among the different ones, -1 for none."""
    own = [names[place] for place in series.tolist()]
    places = {name: place for place, name in enumerate(sorted(set(own) - {""}))}
    return np.array([places.get(name, -1) for name in own], dtype=np.int64)


def _facts(log: SalesLog, learnt: Panel, judged: Panel, weeks: Integers, findings: Findings) -> dict[str, Any]:
    counted = Counter[str]()
    for doubt in Doubt:
        counted[str(doubt.name)] = int(np.count_nonzero(findings.flags & doubt))
    return {
        "rows": len(log.at),
        "items": learnt.items,
        "units": float(log.units.sum()),
        "sha256": fingerprint(log),
        "start": log.start.isoformat(),
        "end": log.end.isoformat(),
        "train_rows": len(learnt),
        "test_rows": len(judged),
        "item_weeks": int(weeks.max(initial=-1)) + 1,
        "doubts": {name: count for name, count in sorted(counted.items()) if count},
        "bulk_share": findings.bulk_share,
        "price_follows_demand_t": findings.follows_t,
    }


def _ensure(holds: bool, sentence: str) -> None:
    if not holds:
        raise TrainingDataInvalid(sentence)
