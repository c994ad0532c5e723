"""Shadow mode: what another version would have shown, compared with what was shown, and never served.

It is asked on a thread of its own, after the decision was made. A share of the decisions is drawn; while the thread
works or rests, what is drawn is dropped and counted, so that the shadow never takes more than a tenth of a core.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, Full, Queue
from typing import Final

from decisions.domain import PolicyKind
from decisions.serving.breaker import BreakerPolicy
from decisions.serving.choosing import Means, choose
from decisions.serving.decide import Decision
from decisions.serving.equipment import Equipment
from decisions.serving.guard import GuardedScoring
from decisions.serving.points import ArmPolicy
from decisions.vocabulary import DecisionReason
from experiments.assignment.bucketing import SLOTS, draw_slot

SHARE: Final = 0.25
"""Of the decisions that a model made, so many are drawn for comparison."""
COMPARED: Final = 10
"""Places of the slates that are compared."""
LONGEST_SECONDS: Final = 0.25
"""A shadow that takes longer gives no comparison; the row of the decision waits so long for it."""
MOST_WAITING: Final = 4
REST: Final = 9.0
"""The thread rests so many times as long as it worked."""
DROPPED: Final = "DROPPED"
FAILED: Final = "FAILED"

_DRAW: Final = b"shadow."
_BY_MODELS: Final = (PolicyKind.MODEL_RANKED, PolicyKind.RECIPE, PolicyKind.LEARNED)

Note = Mapping[str, object]
"""What the row of a decision says of the shadow: version, and overlap, rank and ms, or why there are none."""
Then = Callable[[Note], object]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShadowCounts:
    """What became of the decisions that were drawn: drawn = compared + dropped + failed + what waits."""

    drawn: int = 0
    compared: int = 0
    dropped: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A decision to be compared with what the version would have shown."""

    decision: Decision
    version: int
    equipment: Equipment
    decision_id: str


def is_drawn(decision: Decision, version: int | None, decision_id: str, *, share: float = SHARE) -> bool:
    """Return whether a decision is compared with a version: a model made it, another one, and its id draws it."""
    if version is None or decision.scene is None or decision.policy not in _BY_MODELS or not decision.actions:
        return False
    if decision.model is not None and decision.model.version == version:
        return False
    return draw_slot(_DRAW, decision_id.encode()) < share * SLOTS


def compared(asked: Comparison, means: Means) -> Note:
    """Return how what the version would have shown compares with what was shown; pure, given the means."""
    scene = asked.decision.scene
    assert scene is not None
    policy = ArmPolicy(PolicyKind.MODEL_RANKED, version=asked.version)
    chosen = choose(scene, policy, None, asked.equipment, means)
    if chosen.reason is not DecisionReason.MODEL:
        return {"version": asked.version, "reason": chosen.reason.value}
    items = scene.catalogue.items
    shadow = [items[place] for place in chosen.slate.actions[:COMPARED].tolist()]
    served = [action.item for action in asked.decision.actions[:COMPARED]]
    return {"version": asked.version, "overlap": overlap(served, shadow), "rank": rank_agreement(served, shadow)}


def overlap(served: Sequence[str], shadow: Sequence[str]) -> float:
    """Return the share of the shorter slate that the other one has too; 1 where there is nothing to compare."""
    places = min(len(served), len(shadow))
    return len({*served[:places]} & {*shadow[:places]}) / places if places else 1.0


def rank_agreement(served: Sequence[str], shadow: Sequence[str]) -> float | None:
    """Return Kendall's tau of the items that both have: 1 for the same order, -1 for the reverse.

    tau = (concordant - discordant) / pairs; None where both have fewer than two items in common.
    """
    places = {item: place for place, item in enumerate(shadow)}
    common = [places[item] for item in served if item in places]
    pairs = len(common) * (len(common) - 1) // 2
    if not pairs:
        return None
    concordant = sum(first < second for place, first in enumerate(common) for second in common[place + 1 :])
    return (2 * concordant - pairs) / pairs


class ShadowScoring:
    """Compares decisions in the background. Safe to use from several threads; `offer` never waits and never raises."""

    def __init__(self, policy: BreakerPolicy) -> None:
        self._numbers: Counter[str] = Counter()
        self._scoring = GuardedScoring(policy)
        self._queue: Queue[tuple[Comparison, Then]] = Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        self._rests_until = 0.0

    @property
    def counts(self) -> ShadowCounts:
        """What became of the decisions that were drawn so far."""
        return ShadowCounts(**self._numbers)

    def offer(self, asked: Comparison, then: Then) -> None:
        """Take a decision that was drawn; `then` is called exactly once with the note, at once where it is dropped."""
        if not self._takes(asked, then):
            self._drop(asked, then)

    def keep_only(self, versions: Collection[int]) -> None:
        """Let go of the threads and circuits of all other versions."""
        self._scoring.keep_only(versions)

    def close(self) -> None:
        """End; what waits is told that it was dropped, before this returns."""
        with self._lock:
            self._is_stopping = True
        if self._thread is not None:
            self._thread.join(2 * LONGEST_SECONDS)
        with suppress(Empty):
            while True:
                self._drop(*self._queue.get_nowait())
        self._scoring.close()

    def _takes(self, asked: Comparison, then: Then) -> bool:
        """Return whether the decision waits for the thread now."""
        with self._lock:
            self._numbers["drawn"] += 1
            if self._is_stopping or time.monotonic() < self._rests_until or not self._has_thread():
                return False
            try:
                self._queue.put_nowait((asked, then))
            except Full:
                return False
        return True

    def _has_thread(self) -> bool:
        """Start the thread where there is none; return whether there is one. The caller holds the lock."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="shadow", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                logger.exception("no thread can be started to ask the shadow with")
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        while not self._is_stopping:
            try:
                asked, then = self._queue.get(timeout=LONGEST_SECONDS)
            except Empty:
                continue
            started = time.monotonic()
            _tell(then, self._note(asked, started))
            ended = time.monotonic()
            self._rests_until = ended + REST * (ended - started)

    def _note(self, asked: Comparison, started: float) -> Note:
        score = partial(self._scoring.score, until=started + LONGEST_SECONDS)
        try:
            note = compared(asked, Means(score, asked.decision_id))
        except Exception:
            # Whatever a shadow does, the decision has been served and its row must be kept.
            logger.exception("the shadow version %s failed", asked.version)
            note = {"version": asked.version, "reason": FAILED}
        if "reason" in note:
            self._count("failed")
            return note
        self._count("compared")
        return {**note, "ms": round((time.monotonic() - started) * 1e3, 3)}

    def _drop(self, asked: Comparison, then: Then) -> None:
        self._count("dropped")
        _tell(then, {"version": asked.version, "reason": DROPPED})

    def _count(self, name: str) -> None:
        with self._lock:
            self._numbers[name] += 1


def _tell(then: Then, note: Note) -> None:
    try:
        then(note)
    except Exception:
        # What is done with a note must not end the thread that makes them.
        logger.exception("the note of a shadow could not be kept")
