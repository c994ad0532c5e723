"""What clients saw of a site while it was broken, and whether that can be true of a site that keeps its promises.

Every client writes a line of JSON for each operation. The examination is pure: it reads lines and the contents of the
event log, and names every contradiction.
"""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO


class Op(StrEnum):
    """What a client asked for."""

    STORE = "store"
    ASSIGN = "assign"


class Ended(StrEnum):
    """How an operation ended for its client."""

    OK = "ok"
    """It was confirmed."""
    FAIL = "fail"
    """It was refused for good: it must have had no effect."""
    INFO = "info"
    """Nobody can say: no answer came, or one that asks for another try."""


class Contradiction(StrEnum):
    """What a history must not show."""

    LOST = "confirmed and not stored"
    TWICE = "stored more than once"
    REFUSED_YET_STORED = "refused and stored"
    SWITCHED = "two arms under one configuration"
    WENT_BACK = "an older configuration after a newer one"


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation as its client saw it. Times are seconds of one monotonic clock.

    Attributes:
        id: the message's id, or the unit's.
        result: the experiment and arm that an assignment gave.
        cfg: the version of the bundle that answered.
        process: the process that answered, restarts told apart; None where that is not certain.
    """

    op: Op
    id: str
    invoke_ts: float
    return_ts: float
    ended: Ended
    result: tuple[str, str] | None = None
    cfg: int | None = None
    process: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One contradiction, with the id it was found at."""

    kind: Contradiction
    id: str


class Recorder:
    """Appends entries to a file; any thread may do so."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("a")
        self._lock = threading.Lock()

    def add(self, entries: Iterable[Entry]) -> None:
        """Write entries, one line each."""
        text = "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)
        with self._lock:
            self._file.write(text)

    def close(self) -> None:
        """End the file."""
        self._file.close()


def read_history(path: Path) -> list[Entry]:
    """Return the entries of a file in the order in which they were written."""
    with path.open() as lines:
        return [_entry(json.loads(line)) for line in lines]


def _entry(members: dict[str, object]) -> Entry:
    result = members.pop("result")
    told = (str(result[0]), str(result[1])) if isinstance(result, list) else None
    op, ended = Op(str(members.pop("op"))), Ended(str(members.pop("ended")))
    return Entry(op=op, ended=ended, result=told, **members)  # type: ignore[arg-type]


def contradictions(history: Sequence[Entry], stored: Mapping[str, int]) -> list[Fault]:
    """Return everything that a history shows and must not; `stored` says how often each message is in the log."""
    return [*_of_stores(history, stored), *_of_arms(history), *_of_versions(history)]


def _of_stores(history: Sequence[Entry], stored: Mapping[str, int]) -> list[Fault]:
    """A message that was confirmed once is stored once, whatever became of the tries before and after."""
    ends: defaultdict[str, set[Ended]] = defaultdict(set)
    for entry in history:
        if entry.op is Op.STORE:
            ends[entry.id].add(entry.ended)
    faults = []
    for message, ended in ends.items():
        times = stored.get(message, 0)
        if Ended.OK in ended and times == 0:
            faults.append(Fault(Contradiction.LOST, message))
        elif times > 1:
            faults.append(Fault(Contradiction.TWICE, message))
        elif ended == {Ended.FAIL} and times:
            faults.append(Fault(Contradiction.REFUSED_YET_STORED, message))
    return faults


def _of_arms(history: Sequence[Entry]) -> list[Fault]:
    arms: defaultdict[tuple[str, str, int], set[str]] = defaultdict(set)
    for entry in history:
        if entry.result is not None and entry.cfg is not None:
            experiment, arm = entry.result
            arms[entry.id, experiment, entry.cfg].add(arm)
    return [Fault(Contradiction.SWITCHED, unit) for (unit, _, _), found in arms.items() if len(found) > 1]


def _of_versions(history: Sequence[Entry]) -> list[Fault]:
    """An operation that began after another one had ended may not see an older configuration of the same process.

    Operations that overlap in time may have been answered in either order.
    """
    by_process: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in history:
        if entry.process is not None and entry.cfg is not None:
            by_process[entry.process].append(entry)
    faults = []
    for entries in by_process.values():
        ended = sorted(entries, key=lambda entry: entry.return_ts)
        place, newest = 0, -1
        for entry in sorted(entries, key=lambda entry: entry.invoke_ts):
            while ended[place].return_ts < entry.invoke_ts:
                newest = max(newest, ended[place].cfg or 0)
                place += 1
            if (entry.cfg or 0) < newest:
                faults.append(Fault(Contradiction.WENT_BACK, entry.id))
    return faults


def by_kind(faults: Iterable[Fault]) -> dict[str, int]:
    """Return how many contradictions of each kind there are; kinds that were not met are left out."""
    return dict(Counter(fault.kind.value for fault in faults))
