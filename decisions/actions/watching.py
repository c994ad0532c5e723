"""Watching a training while it computes: progress for people, an ear for who cancels it, an eye on its memory."""

import resource
import time
from pathlib import Path
from typing import Final

from models_registry.actions.cancelling import RunCancelled
from models_registry.actions.training import tell_progress
from models_registry.pipeline import Tell, TrainingRefused

TELL_SECONDS: Final = 1.0
_STATUS: Final = Path("/proc/self/status")
_MIB: Final = 1024.0


class TrainingMemory(TrainingRefused):
    """The worker holds more memory than a training may."""

    code = "TRAINING_MEMORY"
    hint = (
        "Train on a shorter window or with parameters for a smaller model, or raise TILTYARD_TRAINING_MEMORY_MB where"
        " the worker's machine has more."
    )


class Watch:
    """Looks after one run about once a second, however often it is told."""

    def __init__(self, run_id: int, *, limit_mb: int) -> None:
        self._run_id = run_id
        self._limit_mb = limit_mb
        self._step = ""
        self._silent_until = 0.0

    def tell(self, step: str, share: float) -> None:
        """Note the step and the share of the whole that is done.

        Raises:
            RunCancelled: somebody cancelled the run. TrainingMemory: the process holds more than the limit.
        """
        now = time.monotonic()
        if step == self._step and now < self._silent_until:
            return
        self._step, self._silent_until = step, now + TELL_SECONDS
        if not tell_progress(run_id=self._run_id, step=step, share=share):
            raise RunCancelled("The training was cancelled.")
        held = resident_mb()
        if held > self._limit_mb:
            raise TrainingMemory(f"At “{step}” the worker held {held:.0f} MiB of memory; {self._limit_mb} are allowed.")

    def part(self, begin: float, end: float) -> Tell:
        """Return what a part of the training tells its own share to: it is done between two shares of the whole."""
        return lambda step, share: self.tell(step, begin + (end - begin) * share)


def resident_mb() -> float:
    """Return how many MiB of memory this process holds now; where the system does not tell, the most it ever held."""
    try:
        for line in _STATUS.read_text("ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / _MIB
    except OSError:
        pass  # not Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MIB
