"""Model versions behind their breakers: what fails is not asked for a while, and harms no other."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import numpy as np
import pytest

from decisions.policy import Indices, Scores
from decisions.serving.breaker import BreakerPolicy, CircuitState
from decisions.serving.guard import SIMULATED_REST, GuardedScoring
from decisions.serving.scoring import NotScored, Question
from decisions.vocabulary import DecisionReason
from models_registry.vocabulary import PredictorKind

PLACES = np.array([0, 1], dtype=np.int64)
GOOD = np.array([1.0, 2.0], dtype=np.float32)
REST = 3_600.0


class Scripted:
    """A predictor that does what it is told to, and counts how often."""

    kind = PredictorKind.POPULARITY
    items = ("a", "b")

    def __init__(self, script: Callable[[], Scores]) -> None:
        self.script = script
        self.asked = 0

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        self.asked += 1
        return self.script()


def waiting(released: threading.Event) -> Scores:
    released.wait(60)
    return GOOD


@pytest.fixture
def guard() -> Iterator[GuardedScoring]:
    guard = GuardedScoring(BreakerPolicy(failures=5, within=60.0, rest=REST))
    yield guard
    guard.close()


def reason(guard: GuardedScoring, version: int, predictor: Scripted, *, seconds: float = 5.0) -> DecisionReason | None:
    """Return why there were no scores, None where there were."""
    try:
        found = guard.score(Question(version, predictor, PLACES, PLACES), until=time.monotonic() + seconds)
    except NotScored as fault:
        return fault.reason
    assert found.tolist() == [1.0, 2.0]
    return None


def rest_is_over(guard: GuardedScoring, version: int) -> None:
    """Let a circuit have opened as long ago as it rests."""
    guard._versions[version].circuit._opened_at = time.monotonic() - REST


FAULTS: list[tuple[str, Callable[[], Scores], DecisionReason]] = [
    ("raises", lambda: GOOD[:, 1], DecisionReason.MODEL_ERROR),
    ("nan", lambda: GOOD * np.float32("nan"), DecisionReason.SCORES_INVALID),
    ("shape", lambda: GOOD[:1], DecisionReason.SCORES_INVALID),
    ("type", lambda: cast(Scores, PLACES), DecisionReason.SCORES_INVALID),
]


@pytest.mark.parametrize(("script", "fault"), [entry[1:] for entry in FAULTS], ids=[entry[0] for entry in FAULTS])
def test_guard__version_that_keeps_failing__is_no_longer_asked(
    guard: GuardedScoring, script: Callable[[], Scores], fault: DecisionReason
) -> None:
    predictor = Scripted(script)

    met = [reason(guard, 12, predictor) for _ in range(5)]
    refused = {reason(guard, 12, predictor) for _ in range(20)}

    assert met == [fault] * 5
    assert refused == {DecisionReason.CIRCUIT_OPEN}
    assert predictor.asked == 5
    assert guard.status()[12] == (CircuitState.OPEN, 1)


def test_guard__version_that_hangs__costs_no_more_than_five_deadlines_and_others_answer(guard: GuardedScoring) -> None:
    released = threading.Event()
    hanging, healthy = Scripted(partial(waiting, released)), Scripted(lambda: GOOD)

    met = [reason(guard, 12, hanging, seconds=0.03) for _ in range(5)]
    others = [reason(guard, 13, healthy) for _ in range(50)]

    released.set()
    assert met == [DecisionReason.DEADLINE] * 5
    assert others == [None] * 50
    assert guard.status()[13] == (CircuitState.CLOSED, 0)


def test_guard__version_that_recovers__is_asked_again_after_one_probe(guard: GuardedScoring) -> None:
    predictor = Scripted(lambda: GOOD[:1])
    for _ in range(5):
        reason(guard, 12, predictor)
    predictor.script = lambda: GOOD

    assert reason(guard, 12, predictor) is DecisionReason.CIRCUIT_OPEN
    rest_is_over(guard, 12)

    assert reason(guard, 12, predictor) is None
    assert predictor.asked == 6
    assert [reason(guard, 12, predictor) for _ in range(10)] == [None] * 10
    assert guard.status()[12] == (CircuitState.CLOSED, 1)


def test_guard__many_callers_when_the_rest_is_over__one_of_them_is_the_probe(guard: GuardedScoring) -> None:
    released = threading.Event()
    predictor = Scripted(lambda: GOOD[:1])
    for _ in range(5):
        reason(guard, 12, predictor)
    predictor.script = partial(waiting, released)
    rest_is_over(guard, 12)
    met: list[DecisionReason | None] = []
    callers = [threading.Thread(target=lambda: met.append(reason(guard, 12, predictor))) for _ in range(8)]

    for caller in callers:
        caller.start()
    while len(met) < 7:
        time.sleep(0.005)
    released.set()
    for caller in callers:
        caller.join()

    assert sorted(str(entry) for entry in met) == ["CIRCUIT_OPEN"] * 7 + ["None"]
    assert predictor.asked == 6


def test_guard__versions_that_serve_no_more__are_forgotten_with_their_threads(guard: GuardedScoring) -> None:
    before = threading.active_count()
    for version in range(20):
        assert reason(guard, version, Scripted(lambda: GOOD)) is None

    guard.keep_only([3])

    deadline = time.monotonic() + 10
    while threading.active_count() > before + 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before + 4
    assert list(guard.status()) == [3]


def test_guard__many_that_miss_the_deadline_together__are_told_of_once(
    guard: GuardedScoring, caplog: pytest.LogCaptureFixture
) -> None:
    released = threading.Event()
    predictor = Scripted(partial(waiting, released))
    callers = [threading.Thread(target=reason, args=(guard, 12, predictor), kwargs={"seconds": 0.2}) for _ in range(9)]

    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    released.set()

    assert guard.status()[12] == (CircuitState.OPEN, 1)
    assert len([record for record in caplog.records if "rests" in record.message]) == 1


def test_guard__version_of_a_simulated_shop__rests_for_a_second_at_most(guard: GuardedScoring) -> None:
    failing, real = Scripted(lambda: GOOD[:1]), Scripted(lambda: GOOD[:1])
    for version, predictor, is_simulated in ((12, failing, True), (13, real, False)):
        for _ in range(5):
            with pytest.raises(NotScored):
                _ask(guard, version, predictor, is_simulated)
        with pytest.raises(NotScored, match=DecisionReason.CIRCUIT_OPEN):
            _ask(guard, version, predictor, is_simulated)
    time.sleep(SIMULATED_REST + 0.05)
    failing.script = real.script = lambda: GOOD

    assert _ask(guard, 12, failing, True).tolist() == [1.0, 2.0]
    with pytest.raises(NotScored, match=DecisionReason.CIRCUIT_OPEN):
        _ask(guard, 13, real, False)
    assert real.asked == 5


def _ask(guard: GuardedScoring, version: int, predictor: Scripted, is_simulated: bool) -> Scores:
    question = Question(version, predictor, PLACES, PLACES)
    return guard.score(question, until=time.monotonic() + 5, is_simulated=is_simulated)
