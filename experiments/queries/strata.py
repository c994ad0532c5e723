"""Strata: stretches of constant allocation, with the slots of each variant in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from experiments.analysis.inputs import CellCount, Stratum
from experiments.models import AllocationEpoch
from experiments.vocabulary import ArmState


@dataclass(frozen=True, slots=True)
class Strata:
    """The strata of an experiment: each is named after its first epoch.

    allocations: slots that took new units, by epoch and variant. of_epoch: the stratum of each epoch, in order.
    """

    allocations: Mapping[int, Mapping[str, int]]
    of_epoch: Mapping[int, str]

    @classmethod
    def until(cls, experiment_id: int, until: datetime) -> Self:
        """Return the strata of the epochs that were opened before `until`."""
        allocations = _allocations(experiment_id, until)
        return cls(allocations, _strata_of(allocations))

    @classmethod
    def single(cls, weights: Mapping[str, int]) -> Self:
        """Return the one stratum of an experiment whose allocation is taken as recorded."""
        return cls({1: weights}, {1: "1"})

    @property
    def names(self) -> list[str]:
        """The strata in the order of time."""
        return list(dict.fromkeys(self.of_epoch.values()))

    def of(self, epoch: int) -> str:
        """Return the stratum of an epoch."""
        return self.of_epoch.get(epoch, str(epoch))

    def counted(self, units: Mapping[str, Mapping[str, int]]) -> tuple[Stratum, ...]:
        """Return the strata with their units, which are given by stratum and variant."""
        found = []
        for name in self.names:
            weights = self._weights(name)
            counts = {key: units.get(name, {}).get(key, 0) for key in weights}
            found.append(Stratum(key=name, epoch=self._first(name), weights=weights, units=counts))
        return tuple(found)

    def cells(self, units: Mapping[tuple[str, ...], Mapping[str, int]]) -> tuple[CellCount, ...]:
        """Return the unit counts by (dimension, level, stratum) in their order, with every variant of the stratum."""
        return tuple(
            CellCount(dimension, level, stratum, {key: counts.get(key, 0) for key in self._weights(stratum)})
            for (dimension, level, stratum), counts in units.items()
            if stratum in self.of_epoch.values()
        )

    def _first(self, name: str) -> int:
        return next(epoch for epoch, stratum in self.of_epoch.items() if stratum == name)

    def _weights(self, name: str) -> dict[str, int]:
        return dict(self.allocations[self._first(name)])


def _allocations(experiment_id: int, until: datetime) -> dict[int, dict[str, int]]:
    epochs = AllocationEpoch.objects.filter(experiment_id=experiment_id, opened_at__lt=until).prefetch_related(
        "allocations__variant"
    )
    return {
        epoch.number: {
            held.variant.key: held.weight if held.state == ArmState.OPEN else 0
            for held in sorted(epoch.allocations.all(), key=lambda held: held.variant.position)
        }
        for epoch in epochs.order_by("number")
    }


def _strata_of(allocations: Mapping[int, Mapping[str, int]]) -> dict[int, str]:
    """Return the stratum of each epoch: consecutive epochs of one split share it, since coverage does not bias."""
    strata: dict[int, str] = {}
    last: tuple[str, Mapping[str, int]] | None = None
    for number, weights in allocations.items():
        if last is None or last[1] != weights:
            last = (str(number), weights)
        strata[number] = last[0]
    return strata
