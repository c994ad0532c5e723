"""Asking a predictor within a deadline: on a few threads of their own, so that one that hangs holds up nothing else."""

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np

from decisions.policy import Indices, Scores
from decisions.vocabulary import DecisionReason
from models_registry.predictors.protocol import Predictor

THREADS = 4
SILENCE_SECONDS = 10.0
"""A predictor that fails at every request is told of in the log once in so long."""


class Question(NamedTuple):
    """What a model version is asked: scores of candidates for a history, both as places among the predictor's items.

    `at_once` asks for the scores of all its items, of which those of the candidates are kept.
    """

    version: int
    predictor: Predictor
    history: Indices
    candidates: Indices
    at_once: bool = False


Score = Callable[[Question], Scores]
"""Answers a question with one finite score for each candidate; raises NotScored where there will be none."""

logger = logging.getLogger(__name__)


class NotScored(Exception):
    """The predictor gave no scores; `reason` says why the baseline decides instead."""

    def __init__(self, reason: DecisionReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def score_at_once(question: Question) -> Scores:
    """Return the scores of the candidates, however long it takes.

    Raises:
        NotScored: the predictor failed, or its scores are not finite floats, one for each item asked about.
    """
    predictor, candidates = question.predictor, question.candidates
    try:
        scores: object = predictor.score(question.history, None if question.at_once else candidates)
    except Exception as error:
        # Whatever a model does, the shopper gets the baseline with a reason.
        raise NotScored(DecisionReason.MODEL_ERROR) from error
    expected = (len(predictor.items) if question.at_once else len(candidates),)
    if not isinstance(scores, np.ndarray) or scores.shape != expected or scores.dtype.kind != "f":
        raise NotScored(DecisionReason.SCORES_INVALID)
    if question.at_once:
        scores = scores[candidates]
    if not np.isfinite(scores).all():
        raise NotScored(DecisionReason.SCORES_INVALID)
    return scores


class _Task:
    """One question to a predictor; `done` is released with the answer."""

    __slots__ = ("done", "fault", "is_given_up", "is_over", "question", "scores")

    def __init__(self, question: Question) -> None:
        self.question = question
        self.scores: Scores
        self.fault: NotScored | None = None
        self.is_over = self.is_given_up = False
        self.done = threading.Lock()
        self.done.acquire()


class ScoringPool:
    """A fixed number of threads that ask predictors. At most one question a thread is open: none waits in a queue."""

    def __init__(self, threads: int = THREADS) -> None:
        self.threads = threads
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._places = threading.Semaphore(threads)
        self._lock = threading.Lock()
        self._given_up = 0
        self._started = 0
        self._silent_until = 0.0

    def score(self, question: Question, *, until: float) -> Scores:
        """Return the scores of the candidates by a moment of `time.monotonic()`.

        Raises:
            NotScored: the deadline passed, every thread hangs in a question that nobody waits for any more or the
                machine has no thread left (then at once), or the predictor failed.
        """
        if self._given_up >= self.threads or not self._places.acquire(timeout=max(0.0, until - time.monotonic())):
            raise NotScored(DecisionReason.DEADLINE)
        if not self._has_threads():
            self._places.release()
            raise NotScored(DecisionReason.DEADLINE)
        task = _Task(question)
        self._tasks.put(task)
        if not task.done.acquire(timeout=max(0.0, until - time.monotonic())) and self._give_up(task):
            raise NotScored(DecisionReason.DEADLINE)
        if task.fault is not None:
            raise task.fault
        return task.scores

    def close(self) -> None:
        """Let the threads end once they have nothing to do."""
        for _ in range(self._started):
            self._tasks.put(None)

    def _has_threads(self) -> bool:
        """Start a thread as long as there are fewer than may be; return whether there is any."""
        if self._started < self.threads:
            with self._lock:
                if self._started < self.threads:
                    try:
                        threading.Thread(target=self._work, name="scoring", daemon=True).start()
                    except RuntimeError:
                        logger.exception("no thread can be started to score with")
                    else:
                        self._started += 1
        return self._started > 0

    def _give_up(self, task: _Task) -> bool:
        """Return whether the task is still going on; it then counts as hanging until it ends."""
        with self._lock:
            if task.is_over:
                return False
            task.is_given_up = True
            self._given_up += 1
            return True

    def _tell(self, task: _Task) -> None:
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + SILENCE_SECONDS
            logger.error("a predictor of kind %s failed", task.question.predictor.kind, exc_info=task.fault)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task.scores = score_at_once(task.question)
            except NotScored as fault:
                task.fault = fault
                self._tell(task)
            with self._lock:
                task.is_over = True
                self._given_up -= task.is_given_up
            self._places.release()
            task.done.release()
