"""What people call metrics and variants."""

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.queries.readouts import MetricLine, Readout


@dataclass(frozen=True, slots=True)
class Names:
    """What people call metrics and variants, by key."""

    metrics: Mapping[str, MetricLine]
    variants: Mapping[str, str]

    def metric(self, key: str) -> str:
        """Return a metric's name, or its key where it has none."""
        return self.metrics[key].name if key in self.metrics else key

    def variant(self, key: str) -> str:
        """Return a variant's name, or its key where it has none."""
        return self.variants.get(key, key)


def names_of(readout: Readout) -> Names:
    """Return the names that an experiment's metrics and variants have."""
    return Names(
        metrics={metric.key: metric for metric in readout.metrics},
        variants={variant.key: variant.name for variant in readout.variants},
    )
