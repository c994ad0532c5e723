"""A shop whose items replace each other within clusters that are known: logit demand, Poisson sales, moving prices."""

from math import comb

import numpy as np

from decisions.clusters import Trade


def simulated(*, clusters: int, size: int, days: int, categories: int, seed: int) -> tuple[np.ndarray, Trade]:
    """Return the true cluster of each item, and what was traded; prices move by a tenth from week to week."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat(np.arange(clusters), size))
    count = len(truth)
    weekly = np.exp(rng.normal(0, 0.1, (count, -(-days // 7))))
    prices = weekly.repeat(7, axis=1)[:, :days]
    appeal = prices**-3.0
    together = np.zeros((clusters, days))
    np.add.at(together, truth, appeal)
    season = np.exp(rng.normal(0, 0.2, days))
    units = rng.poisson(20 * size * appeal / (together[truth] + 0.5) * season).astype(float)
    none = np.zeros(0, np.int64)
    names = tuple(f"i{place:04}" for place in range(count))
    kinds = tuple(f"c{cluster % categories}" for cluster in truth)
    return truth, Trade(names, kinds, units, 10 * prices, none, none)


def adjusted_rand(one: np.ndarray, other: np.ndarray) -> float:
    """Return the adjusted Rand index of two partitions (Hubert and Arabie, 1985): 1 where equal, 0 by chance."""
    rows, columns = (np.unique(labels, return_inverse=True)[1] for labels in (one, other))
    table = np.zeros((rows.max() + 1, columns.max() + 1), np.int64)
    np.add.at(table, (rows, columns), 1)
    same, in_rows, in_columns = (
        sum(comb(int(cell), 2) for cell in cells.ravel()) for cells in (table, table.sum(axis=1), table.sum(axis=0))
    )
    chance = in_rows * in_columns / comb(len(one), 2)
    return (same - chance) / ((in_rows + in_columns) / 2 - chance)
