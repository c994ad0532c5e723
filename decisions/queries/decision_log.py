"""What was shown at a decision point and what came of it, in columns, as training reads it: streamed from the log."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
from django.db import transaction

from decisions.domain import DecisionLog, FieldKind, Reward
from decisions.models import DecisionPoint, Item
from decisions.moment import Column
from decisions.queries.rewards import RewardQuestion, SeenDecision, stage_rewards, staged_decisions
from decisions.registry import domain_of
from foundation.money import MICROS

ALWAYS: Final = datetime(9999, 1, 1, tzinfo=UTC)
ROWS_AT_ONCE: Final = 50_000
BUILT_IN: Final = ("title", "category", "price")

_DTYPES: Final[Mapping[str, npt.DTypeLike]] = {
    "decisions": np.int32,
    "units": np.int32,
    "items": np.int32,
    "positions": np.int16,
    "propensities": np.float64,
    "at": np.float64,
    "variants": np.int16,
    "versions": np.int64,
    "values": np.float64,
}
_read = msgspec.json.Decoder().decode
_SAID = "jsonb_build_array(seen.properties->'attributes', seen.properties->'context')::text"


def decision_log(
    project_id: int, point_key: str, *, start: datetime, end: datetime, rewards: tuple[Reward, ...]
) -> DecisionLog:
    """Return what was seen of the decisions of a point, and what came of each action, from its log up to `end`.

    The decisions are those made from `start` on (project time) whose rewards were all due before `end`: with a reward
    that may take a week the last week is not in it, so ask for no reward that is not needed. The last reward whose
    event is an order gives the values; an amount that cannot be read is 0. `DecisionLog.end` is where it stops.

    Raises RewardUnclear.
    """
    wanted = RewardQuestion(
        project_id=project_id, point_key=point_key, start=start, end=end, rewards=rewards, received_before=ALWAYS
    )
    complete = max(start, end - wanted.longest)
    question = RewardQuestion(
        project_id=project_id, point_key=point_key, start=start, end=complete, rewards=rewards, received_before=ALWAYS
    )
    columns = _Columns(rewards)
    with transaction.atomic():
        stage_rewards(question)
        for decision in staged_decisions(question, more=_SAID):
            columns.add(decision)
    return columns.log(start, complete, _fields(project_id, point_key, tuple(columns.items)))


@dataclass(slots=True)
class _Columns:
    """Collects rows: lists of Python objects for a while, arrays for good."""

    rewards: tuple[Reward, ...]
    items: dict[str, int] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    variants: dict[str, int] = field(default_factory=lambda: {"": 0})
    decisions: int = 0
    rows: int = 0
    parts: dict[str, list[np.ndarray]] = field(default_factory=dict)
    pending: dict[str, list[Any]] = field(default_factory=dict)
    context: dict[str, list[str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def add(self, decision: SeenDecision) -> None:
        """Add a row for each action of a decision."""
        actions = [action for action in _read(decision.actions or "[]") if _is_action(action)]
        if not actions:
            return
        said = self._said(decision.more)
        for name in said:
            if name not in self.context:
                self.context[name] = [""] * self.rows
        met = {(number, place): amount for number, place, amount in decision.met}
        unit = self.units.setdefault(decision.unit, len(self.units))
        variant = self.variants.setdefault(decision.variant or "", len(self.variants))
        for place, (item, propensity, *_rest) in enumerate(actions):
            amounts = [met.get((number, place)) for number in range(len(self.rewards))]
            row = {
                "decisions": self.decisions,
                "units": unit,
                "items": self.items.setdefault(item, len(self.items)),
                "positions": place,
                "propensities": float(propensity),
                "at": decision.at,
                "variants": variant,
                "versions": decision.version or 0,
                "values": next((amount for amount in reversed(amounts) if amount and np.isfinite(amount)), 0.0),
                **{reward.name: (number, place) in met for number, reward in enumerate(self.rewards)},
            }
            for name, value in row.items():
                self.pending.setdefault(name, []).append(value)
        for name, texts in self.context.items():
            texts.extend([said.get(name, "")] * len(actions))
        self.decisions += 1
        self.rows += len(actions)
        if len(self.pending["at"]) >= ROWS_AT_ONCE:
            self._settle()

    def log(self, start: datetime, end: datetime, fields: Mapping[str, Column]) -> DecisionLog:
        """Return the log of what was added."""
        self._settle()
        columns = {name: self._column(name, dtype) for name, dtype in _DTYPES.items()}
        return DecisionLog(
            **columns,
            rewards={reward.name: self._column(reward.name, np.bool_) for reward in self.rewards},
            context={name: tuple(texts) for name, texts in sorted(self.context.items())},
            item_ids=tuple(self.items),
            fields=fields,
            variant_keys=tuple(self.variants),
            start=start,
            end=end,
        )

    def _settle(self) -> None:
        for name, values in self.pending.items():
            self.parts.setdefault(name, []).append(np.array(values, dtype=_DTYPES.get(name, np.bool_)))
        self.pending = {}

    def _column(self, name: str, dtype: npt.DTypeLike) -> np.ndarray:
        return np.concatenate(self.parts[name]) if name in self.parts else np.zeros(0, dtype)

    def _said(self, text: str | None) -> dict[str, str]:
        """Return what storefront and attributes said, as texts; equal ones are one object."""
        attributes, context = _read(text or "[null, null]")
        said = {**(attributes or {}), **(context or {})}
        found = {name: _text(value) for name, value in said.items()}
        return {name: self.texts.setdefault(value, value) for name, value in found.items() if value}


def _is_action(action: Any) -> bool:
    return isinstance(action, list) and len(action) >= 2 and isinstance(action[0], str) and 0.0 < action[1] <= 1.0


def _text(value: Any) -> str:
    """Return a text as it is, anything else as JSON; "" for nothing."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _fields(project_id: int, point_key: str, item_ids: Sequence[str]) -> dict[str, Column]:
    """Return what the catalogue knows of the actions now: the fields that every action has and those of the domain."""
    domain = domain_of(DecisionPoint.objects.values_list("domain", flat=True).get(project_id=project_id, key=point_key))
    rows = Item.objects.filter(project_id=project_id, collection=domain.collection)
    wanted = set(item_ids)
    known = {row.item_id: row for row in rows.iterator(ROWS_AT_ONCE) if row.item_id in wanted}
    found = [known.get(item) for item in item_ids]
    kinds = {name: declared.kind for name, declared in domain.fields.items() if name not in BUILT_IN}
    columns: dict[str, Column] = {
        "title": tuple(row.title if row else "" for row in found),
        "category": tuple(row.category if row else "" for row in found),
        "price": np.array([np.nan if row is None or row.price is None else row.price / MICROS for row in found]),
    }
    for name, kind in kinds.items():
        values = [None if row is None else row.properties.get(name) for row in found]
        if kind is FieldKind.TEXT:
            columns[name] = tuple(str(value or "") for value in values)
        else:
            columns[name] = np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
    return columns
