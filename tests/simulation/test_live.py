from collections import Counter
from datetime import UTC, datetime

import pytest

from simulation.live import Clock, Run

AT = datetime(2026, 3, 2, tzinfo=UTC)


def test_clock__runs_at_its_speed():
    clock = Clock(origin=AT, started_at=datetime.now(UTC), speed=86_400.0)
    first = clock.now()
    assert first >= AT
    assert clock.now() > first


def test_run__exposures__are_counted_by_experiment():
    run = Run(exposed=Counter({("button", "control"): 3, ("button", "green"): 4, ("banner", "late"): 9}))
    assert run.exposures("button") == 7
    assert run.exposures("unknown") == 0


def test_run__true_conversion__is_the_mean_chance_and_none_without_visitors():
    run = Run(chances={"control": (4, 0.5)})
    assert run.true_conversion("control") == pytest.approx(0.125)
    assert run.true_conversion("trained") is None
