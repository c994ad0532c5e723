"""How long decisions take while events are stored: edge and intake beside each other, as `bin/serve` runs them."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.decision_material import decision_requests
from benchmarks.event_batches import BATCH, event_batches
from benchmarks.open_load import LEAD_SECONDS, run_open_load
from benchmarks.servers import OWN, serving

ROUNDS = 5
SECONDS = 4.0
DECISIONS_PER_SECOND = 100
BATCHES_PER_SECOND = 25_000 / BATCH
"""Events are stored at the rate that is promised, not at the most that is possible: the machine has other work."""
SENDING_SECONDS = 2 * (SECONDS + LEAD_SECONDS) + 1.0
FIXED_BYTES = 4_000
WARM_SECONDS = 3.0


def decisions_meanwhile(intake_port: int, environment: Mapping[str, str]) -> dict[str, object]:
    """Return the p99 of decisions in milliseconds, idle and while events are stored, beside fixed bytes.

    What fixed bytes lose meanwhile the machine loses. Idle and busy rounds take turns; figures are medians of rounds.
    """
    asked = decision_requests()
    rounds: list[dict[str, float]] = []
    with (
        serving(OWN, environment) as (edge, _),
        serving("benchmarks.fixed:application", {"FIXED_BYTES": str(FIXED_BYTES)}) as (fixed, _),
    ):
        ports = {"decisions": edge, "fixed_bytes": fixed}
        for port in ports.values():
            run_open_load(port, asked, per_second=DECISIONS_PER_SECOND, seconds=WARM_SECONDS)
        for _ in range(ROUNDS):
            idle = {f"{name}_idle": _p99(port, asked) for name, port in ports.items()}
            with _storing(intake_port) as sender:
                busy = {f"{name}_busy": _p99(port, asked) for name, port in ports.items()}
            rounds.append(idle | busy | {"events_per_second": sender.per_second})
    found = {name: round(statistics.median(one[name] for one in rounds), 2) for name in rounds[0]}
    ratio = statistics.median(one["decisions_busy"] / one["decisions_idle"] for one in rounds)
    return {"p99_to_idle": round(ratio, 2), "p99_ms_and_rate": found}


def send_events(port: int) -> None:
    """Send events at the rate for as long as a round lasts, and print how many a second were stored.

    What a machine with other work does not keep up with is refused, and lowers that figure.
    """
    batches = event_batches(int(SENDING_SECONDS * BATCHES_PER_SECOND), series=os.getpid() % 0x1000)
    print("sending", flush=True)
    load = run_open_load(port, batches, per_second=BATCHES_PER_SECOND, seconds=SENDING_SECONDS)
    assert load.statuses.keys() <= {202, 503}, load.statuses
    print(BATCH * load.statuses.get(202, 0) / load.seconds)


def _p99(port: int, asked: list[bytes]) -> float:
    load = run_open_load(port, asked, per_second=DECISIONS_PER_SECOND, seconds=SECONDS)
    assert load.statuses.keys() == {200}, load.statuses
    return load.milliseconds(0.99)


@dataclass(slots=True)
class _Sender:
    per_second: float = 0.0


@contextmanager
def _storing(port: int) -> Iterator[_Sender]:
    """Store events from a process of its own while the block goes on; how many is known afterwards.

    Raises RuntimeError where the process fails.
    """
    sender = _Sender()
    command = [sys.executable, "-m", "benchmarks.ingest", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        is_sending = process.stdout.readline() == "sending\n"
        time.sleep(LEAD_SECONDS)
        yield sender
        told, _ = process.communicate(timeout=120)
        if not is_sending or process.returncode:
            raise RuntimeError("events were not sent meanwhile")
        sender.per_second = float(told)
