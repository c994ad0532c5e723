"""How long a predictor takes on this machine: a figure of it and the machine, reported with what the machine is."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from models_registry.gates import Latency, Request
from models_registry.predictors.protocol import Predictor

MOST_REQUESTS: Final = 500
LEAST_TIMED: Final = 100
"""Fewer requests are asked again, so that the slowest one in a hundred is one of at least a hundred."""
_WARMING: Final = 5


def latency_of(
    predictor: Predictor, requests: Sequence[Request], *, clock: Callable[[], float] = time.perf_counter
) -> Latency:
    """Return how long the predictor takes for these requests, one after the other; at most MOST_REQUESTS are asked.

    clock: seconds that only rise.

    Raises:
        ValueError: there are no requests.
    """
    if not requests:
        raise ValueError("Without requests there is nothing to time.")
    asked = [requests[place] for place in np.linspace(0, len(requests) - 1, _count(len(requests))).astype(int)]
    for subject, candidates in asked[:_WARMING]:
        predictor.score(subject, candidates)
    taken = np.empty(len(asked))
    for place, (subject, candidates) in enumerate(asked):
        started = clock()
        predictor.score(subject, candidates)
        taken[place] = clock() - started
    p50, p99 = np.quantile(taken * 1e3, [0.5, 0.99], method="higher")
    return Latency(len(asked), float(p50), float(p99), machine_facts())


def machine_facts() -> str:
    """Return in one line what machine this is, as far as it tells."""
    return f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"


def _count(requests: int) -> int:
    return min(MOST_REQUESTS, max(LEAST_TIMED, requests))
