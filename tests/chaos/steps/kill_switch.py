"""A9: from the click that pauses an experiment to the last edge process that obeys."""

from benchmarks.propagation import Shop, measure, running_edges, summary
from tests.chaos.ground import Ground
from tests.chaos.promises import Finding

PROCESSES = 3


def propagation(ground: Ground) -> Finding:
    """A9: pause and resume by the real actions, publish by the real worker, and ask every process until it obeys."""
    state = ground.directory / "propagation"
    with running_edges(state, ground.postgres.url, ground.valkey.url, count=PROCESSES) as edges:
        trials = measure(Shop(), edges, trials=ground.count(15, 50))
    found = summary(trials)
    paused = all(
        (reason == "NOT_RUNNING") is (place % 2 == 0) for place, one in enumerate(trials) for reason in one.reasons
    )
    measured = (
        f"{found['trials']} trials, {PROCESSES} processes: median {found['median_seconds']} s,"
        f" longest {found['max_seconds']} s"
    )
    return Finding(bool(found["kept"]) and paused, measured if paused else f"{measured}; a process did not obey")
