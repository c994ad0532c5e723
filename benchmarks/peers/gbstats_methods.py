"""gbstats on its statistics objects, one comparison after another, which is the only form that it has."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks.peers.timing import Arm, Method, Pair, run


def contestant(name: str, pairs: Sequence[Pair]) -> Method | None:
    """Return the pass over all comparisons by one method, or None where it has none."""
    tests = import_module("gbstats.frequentist.tests")
    config = tests.FrequentistConfig(difference_type="relative")
    given = [(_statistic(name, control), _statistic(name, treatment)) for control, treatment in pairs]
    return lambda: [tests.TwoSidedTTest(*arms, config).compute_result().p_value for arms in given]


def _statistic(name: str, arm: Arm) -> Any:
    kinds = import_module("gbstats.models.statistics")
    if name == "proportions":
        return kinds.ProportionStatistic(n=arm["n"], sum=arm["sum"]["y"])
    values = {key: _mean(arm, key) for key in arm["sum"]}
    if name == "means":
        return values["y"]
    if name == "ratio":
        return kinds.RatioStatistic(
            n=arm["n"], m_statistic=values["y"], d_statistic=values["d"], m_d_sum_of_products=arm["products"]["y*d"]
        )
    return kinds.RegressionAdjustedStatistic(
        n=arm["n"],
        post_statistic=values["y"],
        pre_statistic=values["x"],
        post_pre_sum_of_products=arm["products"]["y*x"],
        theta=0.0,
    )


def _mean(arm: Arm, key: str) -> Any:
    kinds = import_module("gbstats.models.statistics")
    return kinds.SampleMeanStatistic(n=arm["n"], sum=arm["sum"][key], sum_squares=arm["products"][f"{key}*{key}"])


if __name__ == "__main__":
    run(contestant)
