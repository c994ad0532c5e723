"""Asking model versions, each behind a circuit breaker and on threads of its own: one that fails harms no other."""

import logging
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from decisions.policy import Scores
from decisions.serving.breaker import BreakerPolicy, Circuit, CircuitState
from decisions.serving.scoring import NotScored, Question, ScoringPool
from decisions.vocabulary import DecisionReason

SIMULATED_REST = 1.0
"""Seconds that a version of a simulated shop rests at most: to its clock the usual half minute would be days."""

logger = logging.getLogger(__name__)


class CircuitStatus(NamedTuple):
    """How a model version fares in this process: its circuit, and how often that has opened."""

    state: CircuitState
    openings: int


@dataclass(slots=True)
class _Guarded:
    circuit: Circuit
    pool: ScoringPool = field(default_factory=ScoringPool)
    lock: threading.Lock = field(default_factory=threading.Lock)


class GuardedScoring:
    """Asks model versions for scores. Safe to use from several threads.

    A version that misses deadlines, fails or gives invalid scores again and again is not asked for a while:
    NotScored with CIRCUIT_OPEN, at once.
    """

    def __init__(self, policy: BreakerPolicy) -> None:
        self._policy = policy
        self._simulated = replace(policy, rest=min(policy.rest, SIMULATED_REST))
        self._versions: dict[int, _Guarded] = {}
        self._lock = threading.Lock()

    def score(self, question: Question, *, until: float, is_simulated: bool = False) -> Scores:
        """Return the scores of the candidates by a moment of `time.monotonic()`.

        `is_simulated` says whether the version's project has a simulated clock.

        Raises:
            NotScored: the version did not answer in time or not properly, or is not asked for now.
        """
        version = self._versions.get(question.version) or self._guard(question.version, is_simulated)
        with version.lock:
            ticket = version.circuit.admit(time.monotonic())
        if ticket is None:
            raise NotScored(DecisionReason.CIRCUIT_OPEN)
        try:
            scores = version.pool.score(question, until=until)
        except NotScored as fault:
            with version.lock:
                before = version.circuit.openings
                version.circuit.failed(ticket, time.monotonic())
                has_opened = version.circuit.openings > before
            if has_opened:
                # The pool has told of what failed; a deadline that passed has nothing more to tell.
                logger.error("model version %s rests: %s", question.version, fault.reason)  # noqa: TRY400
            raise
        with version.lock:
            version.circuit.succeeded(ticket)
        return scores

    def status(self) -> Mapping[int, CircuitStatus]:
        """Return how each version that has been asked fares."""
        return {
            number: CircuitStatus(version.circuit.state, version.circuit.openings)
            for number, version in list(self._versions.items())
        }

    def keep_only(self, versions: Collection[int]) -> None:
        """Let go of the threads and circuits of all other versions: they serve no more."""
        with self._lock:
            for number in self._versions.keys() - set(versions):
                self._versions.pop(number).pool.close()

    def close(self) -> None:
        """Let the threads end once they have nothing to do."""
        self.keep_only(())

    def _guard(self, number: int, is_simulated: bool) -> _Guarded:
        policy = self._simulated if is_simulated else self._policy
        with self._lock:
            return self._versions.setdefault(number, _Guarded(Circuit(policy)))
