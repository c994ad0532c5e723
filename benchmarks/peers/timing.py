"""What every contestant does the same way: read comparisons, time a method over all of them, print JSON."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

REPEATS = 7
Arm = Mapping[str, Any]
"""Moments of one arm: n, and by variable names mean, variance, sum, products (sums of products, `a*b`)."""
Pair = tuple[Arm, Arm]
Method = Callable[[], Sequence[float]]
"""One pass over all comparisons; returns their p-values."""


def timed(method: Method, comparisons: int) -> dict[str, Any]:
    """Return microseconds for each comparison, of the least disturbed of several passes, and the p-values."""
    method()
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        p_values = method()
        taken.append(time.perf_counter() - start)
    return {
        "microseconds": round(min(taken) / comparisons * 1e6, 2),
        "p_values": [float(p) for p in p_values],
    }


def run(contestant: Callable[[str, Sequence[Pair]], Method | None]) -> None:
    """Read comparisons by method from standard input and print what the contestant takes for each method it has."""
    found = {}
    for name, pairs in json.load(sys.stdin).items():
        method = contestant(name, [(pair[0], pair[1]) for pair in pairs])
        if method is not None:
            found[name] = timed(method, len(pairs))
    print(json.dumps(found))
