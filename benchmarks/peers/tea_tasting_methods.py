"""tea-tasting on its `Aggregates`, one comparison after another, which is its form for sums that exist already."""

from collections.abc import Sequence
from importlib import import_module

from benchmarks.peers.timing import Arm, Method, Pair, run


def contestant(name: str, pairs: Sequence[Pair]) -> Method | None:
    """Return the pass over all comparisons by one method, or None where it has none."""
    tea = import_module("tea_tasting")
    metrics = {
        "proportions": tea.Proportion("y", method="norm", correction=False),
        "means": tea.Mean("y", equal_var=False, use_t=True),
        "ratio": tea.RatioOfMeans("y", "d", equal_var=False, use_t=True),
        "cuped": tea.Mean("y", "x", equal_var=False, use_t=True),
    }
    metric = metrics[name]
    given = [(_aggregates(control), _aggregates(treatment)) for control, treatment in pairs]
    return lambda: [metric.analyze_aggregates(control, treatment).pvalue for control, treatment in given]


def _aggregates(arm: Arm) -> object:
    names = list(arm["mean"])
    covariances = {tuple(key.split("*")): value for key, value in arm["covariance"].items() if len(names) > 1}
    return import_module("tea_tasting.aggr").Aggregates(arm["n"], arm["mean"], arm["variance"], covariances)


if __name__ == "__main__":
    run(contestant)
