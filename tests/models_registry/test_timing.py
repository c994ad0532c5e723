"""Timing a predictor with a clock that is told what to say."""

from itertools import count

import numpy as np
import pytest

from models_registry.predictors.popularity import Popularity
from models_registry.timing import LEAST_TIMED, MOST_REQUESTS, latency_of, machine_facts

PREDICTOR = Popularity(("a", "b"), np.array([2.0, 1.0], dtype=np.float32))
REQUEST = (np.zeros(0, dtype=np.int64), None)


def test_latency__steady_clock__has_equal_quantiles_and_names_the_machine():
    ticks = count()
    found = latency_of(PREDICTOR, [REQUEST], clock=lambda: next(ticks) * 0.002)
    assert found.requests == LEAST_TIMED
    assert [found.p50_ms, found.p99_ms] == pytest.approx([2.0, 2.0])
    assert found.machine == machine_facts()
    assert "cores" in found.machine


def test_latency__one_slow_request_in_fifty__shows_in_the_ninety_ninth_and_not_in_the_median():
    moments = [moment for n in range(LEAST_TIMED) for moment in (n, n + (0.5 if n % 50 == 0 else 0.001))]
    told = iter(moments)
    found = latency_of(PREDICTOR, [REQUEST] * LEAST_TIMED, clock=lambda: next(told))
    assert found.p50_ms == pytest.approx(1.0)
    assert found.p99_ms == pytest.approx(500.0)


def test_latency__more_requests_than_are_asked__are_picked_evenly():
    ticks = count()
    found = latency_of(PREDICTOR, [REQUEST] * 5_000, clock=lambda: float(next(ticks)))
    assert found.requests == MOST_REQUESTS


def test_latency__without_requests__is_refused():
    with pytest.raises(ValueError, match="nothing to time"):
        latency_of(PREDICTOR, [])
