"""A small world of advertising with known truth, and catalogues and moments of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from decisions.domain import DecisionLog
from decisions.moment import Catalogue, Moment

START = datetime(2026, 3, 2, tzinfo=UTC)
CREATIVES = tuple(f"ad-{number:02d}" for number in range(12))
CAMPAIGNS = tuple(f"campaign-{number // 2}" for number in range(12))
TITLES = tuple(("夏季 清仓 大减价" if number % 3 == 0 else "Fresh coffee every day") for number in range(12))
SLOTS = ("top", "side")
DEVICES = ("phone", "desk")


def truth(item: int, slot: int, device: int) -> float:
    """Return the probability of a click: creatives differ, and so does what works where."""
    return 0.02 + 0.02 * (item % 5) + 0.25 * float(item % 2 == slot) + 0.05 * float(item % 3 == device)


def log(rows: int = 8_000, *, seed: int = 1, days: int = 14, orders: float = 0.3) -> DecisionLog:
    """Return what evenly drawn creatives met with, a decision for each row."""
    rng = np.random.default_rng(seed)
    items, slots, devices = (rng.integers(0, count, rows) for count in (len(CREATIVES), 2, 2))
    chance = np.array([truth(*row) for row in zip(items.tolist(), slots.tolist(), devices.tolist(), strict=True)])
    clicked = rng.random(rows) < chance
    ordered = clicked & (rng.random(rows) < orders * (1 + (items % 2)))
    at = START.timestamp() + np.sort(rng.random(rows)) * days * 86_400
    return DecisionLog(
        decisions=np.arange(rows, dtype=np.int32),
        units=rng.integers(0, max(1, rows // 4), rows).astype(np.int32),
        items=items.astype(np.int32),
        positions=np.zeros(rows, np.int16),
        propensities=np.full(rows, 1 / len(CREATIVES)),
        at=at,
        variants=np.zeros(rows, np.int16),
        versions=np.zeros(rows, np.int64),
        rewards={"clicked": clicked, "ordered": ordered},
        values=np.where(ordered, 20.0, 0.0),
        context={
            "slot": tuple(SLOTS[slot] for slot in slots.tolist()),
            "device": tuple(DEVICES[device] for device in devices.tolist()),
        },
        item_ids=CREATIVES,
        fields={"campaign": CAMPAIGNS, "title": TITLES, "bid": np.full(len(CREATIVES), 0.5)},
        variant_keys=("",),
        start=START,
        end=START + timedelta(days=days),
    )


def changed(known: DecisionLog, **changes: Any) -> DecisionLog:
    """Return a log with other columns."""
    return replace(known, **changes)


def catalogue(items: Sequence[str] = CREATIVES, **fields: Any) -> Catalogue:
    """Return a catalogue of creatives, each of a campaign of its own and with a bid of 1 unless told otherwise."""
    columns: dict[str, Any] = {
        "campaign": tuple(f"campaign-{item}" for item in items),
        "bid": np.ones(len(items)),
        **{name: tuple(value) if isinstance(value, list | tuple) else value for name, value in fields.items()},
    }
    return Catalogue(
        items=tuple(items),
        places={item: place for place, item in enumerate(items)},
        in_stock=np.ones(len(items), dtype=np.bool_),
        baseline=np.full(len(items), 0.1, dtype=np.float32),
        fields=columns,
    )


def moment(context: Mapping[str, Any] | None = None, **changes: Any) -> Moment:
    """Return a moment at noon in which nothing is known of the unit."""
    values: dict[str, Any] = {
        "at": START + timedelta(hours=12),
        "personalised": True,
        "attributes": {},
        "context": context or {},
        "history": (),
        "bought": (),
        "shown": {},
        "excluded": (),
        "only": None,
        "size": 1,
        **changes,
    }
    return Moment(**values)
