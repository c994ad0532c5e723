"""The client of a shop's server: assigns in process, reports in the background, and never stands in the shop's way."""

import atexit
import logging
import os
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.util import Finalize, register_after_fork
from threading import Lock
from typing import Any

from experiments.assignment.snapshot import Assignment
from experiments.vocabulary import Reason
from tiltyard_client import messages
from tiltyard_client.connection import Connection
from tiltyard_client.events import EventCounts, EventQueue
from tiltyard_client.flags import FlagAnswer, evaluate_flag
from tiltyard_client.keeper import BundleKeeper
from tiltyard_client.local import assign_locally, nothing
from tiltyard_client.settings import Settings

SECONDS_AT_EXIT = 2.0
NO_ATTRIBUTES: Mapping[str, object] = {}

logger = logging.getLogger("tiltyard_client")


@dataclass(frozen=True, slots=True)
class Status:
    """How a client is doing.

    `seconds_since_server` is None where the server has not answered since the start; `version` is that of the bundle
    in use; `waiting` counts events that the server has not taken yet.
    """

    version: int | None
    is_from_file: bool
    seconds_since_server: float | None
    bundle_error: str | None
    event_error: str | None
    waiting: int
    events: EventCounts


class Client:
    """Evaluates experiments in this process. One for a process is enough; any thread may use it.

    Apart from the constructor, which refuses settings that cannot work, nothing here raises: what cannot be assigned
    is the control with a reason, what cannot be reported is counted.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        connection = Connection(settings.url, settings.server_key, timeout_seconds=settings.timeout_seconds)
        self._bundles = BundleKeeper(settings, connection)
        self._bundles.load_file()
        self._bundles.start()
        self._events = EventQueue(settings, connection, self._now)
        self._reported: OrderedDict[tuple[object, ...], None] = OrderedDict()
        self._reporting = Lock()
        self._is_closed = False
        _restart_in_forks(self)
        _close_at_exit(self)

    def wait_until_ready(self, seconds: float = 1.0) -> bool:
        """Return whether there is a bundle to assign from, after the server's first answer or the seconds."""
        return self._bundles.wait(seconds)

    def assign(
        self,
        units: Mapping[str, str],
        attributes: Mapping[str, object] | None = None,
        *,
        keys: Sequence[str] | None = None,
        personalised: bool = True,
    ) -> tuple[Assignment, ...]:
        """Return what each experiment gives the units: of the keys in their order, else all that concern the units.

        `units` maps kinds (visitor, customer, session, item, store ..) to ids. Enrols nobody: see `expose`.
        """
        held = self._bundles.held
        if held is None:
            return nothing(keys, Reason.BUNDLE_MISSING)
        return assign_locally(held, units, attributes or NO_ATTRIBUTES, keys=keys, personalised=personalised)

    def flag(
        self,
        key: str,
        units: Mapping[str, str],
        attributes: Mapping[str, object] | None = None,
        *,
        personalised: bool = True,
    ) -> FlagAnswer | None:
        """Return what a flag is for the units; None where it is unknown: the shop then uses its own default."""
        held = self._bundles.held
        if held is None:
            return None
        try:
            return evaluate_flag(held, key, units, attributes or NO_ATTRIBUTES, personalised=personalised)
        except Exception:
            # Whatever was handed over as units or attributes: a flag is not worth an error page.
            logger.exception("a flag could not be evaluated")
            return None

    def expose(
        self,
        assignment: Assignment,
        units: Mapping[str, str],
        attributes: Mapping[str, object] | None = None,
        *,
        personalised: bool = True,
    ) -> bool:
        """Report that the units met the variant; return whether that is reported now or was before.

        Units, attributes and `personalised` must be those that were assigned with: the server computes the
        assignment again from them. Who is not enrolled is not reported.
        """
        answer = assignment.answer
        if not answer.enrolled:
            return False
        unit = units.get(answer.unit_kind or "") if isinstance(units, Mapping) else None
        mark = (answer.experiment_id, answer.epoch, answer.variant, str(unit), assignment.period)
        return self._once(
            mark,
            lambda at: messages.exposure(assignment, units, attributes or NO_ATTRIBUTES, at, personalised=personalised),
        )

    def track(self, event: str, units: Mapping[str, str], properties: Mapping[str, Any] | None = None) -> bool:
        """Report an event such as Order Completed; return whether it is on its way."""
        return self._report(lambda at: messages.track(event, units, properties or {}, at))

    def identify(self, units: Mapping[str, str], traits: Mapping[str, Any]) -> bool:
        """Report traits of a visitor or customer; return whether they are on their way."""
        return self._report(lambda at: messages.identify(units, traits, at))

    def alias(self, visitor: str, customer: str) -> bool:
        """Report that a visitor logged in as a customer; return whether that is on its way."""
        return self._report(lambda at: messages.alias(visitor, customer, at))

    def status(self) -> Status:
        """Return how the client is doing, for probes and logs."""
        bundles, events = self._bundles, self._events
        answered = bundles.answered_at
        return Status(
            version=None if bundles.held is None else bundles.held.snapshot.version,
            is_from_file=bundles.is_from_file,
            seconds_since_server=None if answered is None else time.monotonic() - answered,
            bundle_error=bundles.error,
            event_error=events.error,
            waiting=events.waiting,
            events=replace(events.counts),
        )

    def flush(self, seconds: float = 2.0) -> bool:
        """Send what waits; return whether the server took all of it within the seconds."""
        return self._events.flush(seconds)

    def close(self, seconds: float = SECONDS_AT_EXIT) -> bool:
        """Flush and end the background threads; assigning goes on from the last bundle. Once is enough.

        Where worker processes end without what Python runs at exit, as those of Celery do, it has to be called there.
        """
        if self._is_closed:
            return self._events.waiting == 0
        self._is_closed = True
        self._bundles.stop()
        return self._events.close(seconds)

    def _now(self) -> datetime:
        held = self._bundles.held
        return datetime.now(UTC) if held is None else held.time.now()

    def _once(self, mark: tuple[object, ...], make: Callable[[datetime], Mapping[str, Any]]) -> bool:
        """Report unless the mark is among the latest that were reported."""
        with self._reporting:
            if mark in self._reported:
                self._reported.move_to_end(mark)
                return True
        if not self._report(make):
            return False
        with self._reporting:
            self._reported[mark] = None
            while len(self._reported) > self.settings.remembered_exposures:
                self._reported.popitem(last=False)
        return True

    def _report(self, make: Callable[[datetime], Mapping[str, Any]]) -> bool:
        try:
            return self._events.add(make(self._now()))
        except Exception:
            # Whatever was handed over as units or properties: a report is not worth an error page.
            logger.exception("an event could not be reported")
            self._events.counts.dropped += 1
            return False

    def restart_in_child(self) -> None:
        """Begin again in a forked child, which has none of the parent's threads. One that was closed stays so."""
        if self._is_closed:
            return
        self._reporting = Lock()
        self._bundles.start()
        self._events.restart()


def _restart_in_forks(client: Client) -> None:
    """See that a server which loads the application before it forks has working clients in its workers."""
    held = weakref.ref(client)

    def restart() -> None:
        forked = held()
        if forked is not None:
            forked.restart_in_child()

    os.register_at_fork(after_in_child=restart)


def _close_at_exit(client: Client) -> None:
    """See that what waits is sent when the process ends in order.

    Children of multiprocessing end without what atexit knows, and forget at their start what they were to do at their
    end: there the client is closed by a finalizer of their own.
    """
    held = weakref.ref(client)

    def close() -> None:
        living = held()
        if living is not None:
            living.close()

    def close_in_child(_client: Client) -> None:
        Finalize(None, close, exitpriority=10)

    atexit.register(close)
    Finalize(None, close, exitpriority=10)
    register_after_fork(client, close_in_child)
