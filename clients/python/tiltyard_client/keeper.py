"""Keeps the bundle up to date: asks the server every few seconds, and goes on with the last good one without it."""

import logging
import random
import threading
import time
from dataclasses import replace
from datetime import datetime

from tiltyard_client.connection import Connection, Reply, Unreachable
from tiltyard_client.held import BundleUnusable, HeldBundle, ServerTime, open_content, read_file, write_file
from tiltyard_client.settings import Settings

PATH = "/v1/bundle"
SECONDS_OF_A_LAGGARD = 60.0
"""An older version than the one in use is a process of the server that lags behind, unless it stays for so long."""

logger = logging.getLogger("tiltyard_client")


class BundleKeeper:
    """Holds the bundle in use; `held` may be read by any thread at any time."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self.held: HeldBundle | None = None
        self.error: str | None = None
        self.answered_at: float | None = None
        self.is_from_file = False
        self._settings = settings
        self._connection = connection
        self._refused: str | None = None
        self._newest_at = 0.0
        self._pause: float | None = None
        self._first_answer = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def load_file(self) -> None:
        """Begin with the bundle that an earlier process kept, where there is one."""
        if self._settings.file is None:
            return
        try:
            self.held = read_file(self._settings.file)
            self.is_from_file = self.held is not None
        except BundleUnusable as error:
            self._note(f"the bundle that was kept cannot be used: {error}")

    def start(self) -> None:
        """Ask the server from now on, at once and then again and again, on a thread of its own."""
        self._stopping = threading.Event()
        self._first_answer = threading.Event()
        self._thread = threading.Thread(target=self._keep_up, args=(self._stopping,), name="tiltyard", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; the bundle stays."""
        self._stopping.set()

    def wait(self, seconds: float) -> bool:
        """Return whether there is a bundle, after the first answer of the server or after the seconds."""
        self._first_answer.wait(seconds)
        return self.held is not None

    def refresh(self) -> bool:
        """Ask the server once; return whether it answered with a bundle or said that ours is the live one."""
        self._pause = None
        tags = [digest for digest in (self.held.digest if self.held else None, self._refused) if digest]
        headers = {"If-None-Match": ", ".join(f'"{digest}"' for digest in tags)} if tags else {}
        try:
            reply = self._connection.get(PATH, headers)
        except Unreachable as error:
            self._note(f"the server does not answer: {error}")
            return False
        self._pause = reply.retry_after
        if reply.status not in (200, 304):
            self._note(f"the server answers {reply.status}")
            return False
        try:
            self._take(reply)
        except BundleUnusable as error:
            self._note(f"the bundle of the server cannot be used: {error}")
            return False
        self.answered_at = time.monotonic()
        self.error = None if self._refused is None else self.error
        return True

    def _take(self, reply: Reply) -> None:
        """Adopt what the server sent. Raises BundleUnusable."""
        digest = reply.headers.get("etag", "").strip('"').removesuffix("-gzip")
        server_time = _server_time(reply)
        held = self.held
        if reply.status == 304:
            if held is not None and digest == held.digest:
                self.held, self._newest_at, self.is_from_file = replace(held, time=server_time), time.monotonic(), False
            return
        try:
            fresh = open_content(reply.body, digest, server_time)
        except BundleUnusable:
            self._refused = digest
            raise
        if held is not None and self._lags_behind(fresh, held):
            return
        self.held, self._newest_at, self.is_from_file, self._refused = fresh, time.monotonic(), False, None
        self._keep(fresh)

    def _lags_behind(self, fresh: HeldBundle, held: HeldBundle) -> bool:
        is_older = fresh.snapshot.version < held.snapshot.version
        is_same_project = fresh.snapshot.project_id == held.snapshot.project_id
        return is_older and is_same_project and time.monotonic() - self._newest_at < SECONDS_OF_A_LAGGARD

    def _keep(self, bundle: HeldBundle) -> None:
        if self._settings.file is None:
            return
        try:
            write_file(self._settings.file, bundle)
        except OSError as error:
            self._note(f"the bundle cannot be kept in {self._settings.file}: {error.strerror}")

    def _keep_up(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                self.refresh()
            except Exception:
                # The thread must live as long as the process: whatever happened, the next turn may go well.
                logger.exception("the bundle could not be refreshed")
            self._first_answer.set()
            pause = self._pause or self._settings.poll_seconds
            stopping.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads clients, guards nothing

    def _note(self, error: str) -> None:
        if self.error != error:
            logger.warning("going on with the last good bundle: %s", error)
        self.error = error


def _server_time(reply: Reply) -> ServerTime:
    """Return the project's time at the answer. Raises BundleUnusable."""
    try:
        project = datetime.fromisoformat(reply.headers["tiltyard-time"])
        speed = float(reply.headers["tiltyard-speed"])
    except (KeyError, ValueError) as error:
        raise BundleUnusable("the answer does not say what time it is in the project") from error
    if project.tzinfo is None:
        raise BundleUnusable("the project's time has no zone")
    return ServerTime(project, time.monotonic(), speed)
