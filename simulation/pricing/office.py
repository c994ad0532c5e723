"""The office of the shop: fetches the prices that batches decide, puts them up, and says that it did."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from simulation.edge_client import ConsoleClient, EdgeClient
from simulation.live import Clock

NOBODY: Final = ""
"""In place of the variant outside of experiments."""


@dataclass(frozen=True, slots=True)
class Shop:
    """Whom the shop speaks to: the edge and the console, at the pace of a clock, about one decision point."""

    edge: EdgeClient
    console: ConsoleClient
    clock: Clock
    point: str


@dataclass(frozen=True, slots=True)
class Decided:
    """A batch. prices, variants, reasons: by item; an item without a price is only in the reasons."""

    number: int
    takes_effect_at: datetime
    prices: Mapping[str, float]
    variants: Mapping[str, str]
    reasons: Mapping[str, str]


class Office:
    """Knows every batch of the shop's decision point that it has fetched; `refused` is what nobody would take."""

    def __init__(self, shop: Shop) -> None:
        self.batches: list[Decided] = []
        self.refused: list[dict[str, Any]] = []
        self._shop = shop

    def put(self, table: str, records: list[dict[str, Any]]) -> None:
        """Tell of items, or of what they cost."""
        self.refused += self._shop.console.put(table, records)["refused"]

    def fetch(self) -> None:
        """Fetch the batches that are new, the oldest first, and say of each price that it is put up."""
        last = self.batches[-1].number if self.batches else 0
        known = sorted(summary["batch"] for summary in self._shop.console.batches(self._shop.point))
        for number in known:
            if number > last:
                found = _decided(self._shop.console.batch(number))
                words = [{"subject": item, "status": "applied"} for item in found.prices]
                self.refused += self._shop.console.acknowledge(number, words)["refused"]
                self.batches.append(found)

    def variant(self, item: str, at: datetime) -> str:
        """Return the variant whose price an item has at a time, NOBODY outside of experiments."""
        place = bisect_right(self.batches, at, key=lambda batch: batch.takes_effect_at)
        return self.batches[place - 1].variants.get(item, NOBODY) if place else NOBODY


def _decided(document: dict[str, Any]) -> Decided:
    decisions = {decision["subject"]: decision for decision in document["decisions"]}
    return Decided(
        number=document["batch"],
        takes_effect_at=datetime.fromisoformat(document["takes_effect_at"]),
        prices={item: float(said["value"]) for item, said in decisions.items() if said["value"] is not None},
        variants={item: said["variant"] for item, said in decisions.items() if said["variant"]},
        reasons={item: said["reason"] for item, said in decisions.items()},
    )
