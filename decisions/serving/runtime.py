"""What one edge process serves: bundles kept up to date by a thread, read by requests without a lock.

Sources in order: a Redis hint rings for a look into Postgres, which is looked into every two seconds anyway; at
the start, where Postgres does not answer, the last-known-good file. A bundle goes live with the files it names
loaded, as far as they can be. Nothing here raises to a request: whatever fails, the last good bundle stays, and the
status says why.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from types import MappingProxyType

from decisions.serving.artifacts import Fetch, FileCache
from decisions.serving.bundle import ApiKey, LiveBundle, PublishedText, open_bundle
from decisions.serving.heartbeat import EdgeReport
from decisions.serving.hints import HintListener
from decisions.serving.loader import EquipmentLoader
from decisions.serving.settings import EdgeSettings
from decisions.serving.source import BundleSourceDown, PostgresBundles
from decisions.serving.store import BundleFile, BundleFileUnusable
from decisions.vocabulary import BundleSource
from foundation.errors import DomainError

FILE_CHECK_SECONDS = 30.0
MEND_SECONDS = 5.0
LONGEST_MEND_SECONDS = 300.0
"""When files that could not be loaded are tried again: soon, then twice as late each time nothing has changed."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Live:
    """The bundles of one moment: replaced as a whole, never changed. Keys go by their SHA-256."""

    by_project: Mapping[int, LiveBundle]
    by_key: Mapping[str, tuple[LiveBundle, ApiKey]]


@dataclass(frozen=True, slots=True)
class Status:
    """How up to date a process is, for probes and answers."""

    bundles: int
    seconds_since_postgres: float | None
    """None where Postgres has not answered since the start."""
    is_stale: bool
    last_error: str | None
    hint_error: str | None
    faults: tuple[str, ...]
    """The files of live bundles that cannot be used, each with the reason."""


NOTHING = Live(by_project=MappingProxyType({}), by_key=MappingProxyType({}))


class BundleRuntime:
    """Holds the live bundles of a process. `live` may be read by any thread at any time."""

    def __init__(self, settings: EdgeSettings) -> None:
        self.live = NOTHING
        self._started_at = time.time()
        self._began = time.monotonic()
        self._settings = settings
        self._file = BundleFile(settings.state_directory)
        self._loader = EquipmentLoader(FileCache(settings.state_directory))
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._hinted = False
        self._refused: dict[int, tuple[int, str]] = {}
        self._answered_at: float | None = None
        self._file_checked_at = 0.0
        self._mended_at = 0.0
        self._mend_pause = MEND_SECONDS
        self._error: str | None = None
        self._database = (
            PostgresBundles(settings.database_url, connect_seconds=settings.connect_seconds)
            if settings.database_url
            else None
        )
        self._hints = (
            HintListener(settings.redis_url, ring=self._ring, report=self.report, stopping=self._stopping)
            if settings.redis_url
            else None
        )

    def start(self) -> None:
        """Load once, from Postgres or else from the file, and go on loading in the background."""
        if not self.refresh():
            self._load_file()
        threading.Thread(target=self._keep_up, name="bundles", daemon=True).start()
        if self._hints is not None:
            threading.Thread(target=self._hints.run, name="bundle-hints", daemon=True).start()

    def stop(self) -> None:
        """End the background threads; the bundles stay."""
        self._stopping.set()
        self._wanted.set()

    def status(self) -> Status:
        """Return how up to date this process is."""
        answered = self._answered_at
        age = None if answered is None else time.monotonic() - answered
        return Status(
            bundles=len(self.live.by_project),
            seconds_since_postgres=age,
            is_stale=age is None or age > self._settings.stale_seconds,
            last_error=self._error,
            hint_error=self._hints.error if self._hints is not None else "REDIS_URL is not set",
            faults=tuple(
                f"{bundle.snapshot.project_key}: {name}: {fault}"
                for bundle in self.live.by_project.values()
                for name, fault in bundle.equipment.faults.items()
            ),
        )

    def report(self) -> EdgeReport:
        """Return what this process tells the console about itself."""
        live = self.live.by_project.values()
        return EdgeReport(
            host=socket.gethostname(),
            process=os.getpid(),
            started_at=self._started_at,
            versions={bundle.snapshot.project_key: bundle.version for bundle in live},
            stale=self.is_stale(),
            faults=sum(len(bundle.equipment.faults) for bundle in live),
            role=self._settings.role,
        )

    def is_stale(self) -> bool:
        """Return whether Postgres has been silent for longer than the bundles may be trusted to be current."""
        answered = self._answered_at
        return answered is None or time.monotonic() - answered > self._settings.stale_seconds

    def silence(self) -> float:
        """Return for how many seconds Postgres has not answered: since the process began where it never has."""
        return time.monotonic() - (self._began if self._answered_at is None else self._answered_at)

    def refresh(self) -> bool:
        """Fetch what Postgres has and this process has not; return whether Postgres answered. Never raises."""
        source = BundleSource.REDIS if self._hinted else BundleSource.POSTGRES
        self._hinted = False
        if self._database is None:
            self._note("DATABASE_URL is not set")
            return False
        try:
            newest = self._database.newest()
            changed = {
                project: version
                for project, (version, digest) in newest.items()
                if (version, digest) != self._held(project) and (version, digest) != self._refused.get(project)
            }
            texts = self._database.texts(changed) if changed else ()
            self._answered_at = time.monotonic()
            self._error = None
            self._adopt(newest.keys(), texts, source)
            self._mend()
        except BundleSourceDown as error:
            self._note(f"Postgres does not answer: {error}")
            return False
        except Exception as error:
            self._note(f"bundles cannot be read: {type(error).__name__}")
            logger.exception("bundles cannot be read")
            return False
        return True

    def _adopt(self, projects: AbstractSet[int], texts: Iterable[PublishedText], source: BundleSource) -> None:
        """Serve the texts that compile; the bundles of projects that Postgres does not know are dropped.

        Raises:
            BundleSourceDown: Postgres went away while files were fetched; what is live stays as it is.
        """
        bundles = {project: bundle for project, bundle in self.live.by_project.items() if project in projects}
        self._refused = {project: version for project, version in self._refused.items() if project in projects}
        is_changed = bundles.keys() != self.live.by_project.keys()
        for text in texts:
            try:
                bundles[text.project_id] = self._equipped(open_bundle(text, source=source), self._fetch)
            except BundleSourceDown:
                raise
            except Exception:
                self._refused[text.project_id] = (text.version, text.sha256)
                logger.exception("bundle %s:%s refused", text.project_id, text.version)
            else:
                self._refused.pop(text.project_id, None)
                is_changed = True
        if self._refused:
            refused = ", ".join(f"{project}:{version}" for project, (version, _) in self._refused.items())
            self._error = f"refused bundles (project:version): {refused}"
        if is_changed:
            self._swap(bundles)
        if is_changed or time.monotonic() - self._file_checked_at > FILE_CHECK_SECONDS:
            self._keep_file()

    def _equipped(self, bundle: LiveBundle, fetch: Fetch) -> LiveBundle:
        equipment = self._loader.equip(bundle.points, bundle.signing_keys[0].secret, fetch)
        return replace(bundle, equipment=equipment)

    def _fetch(self, sha: str) -> bytes | None:
        return None if self._database is None else self._database.file(sha)

    def _mend(self) -> None:
        """Try again to load the files that could not be. Raises BundleSourceDown."""
        if time.monotonic() - self._mended_at < self._mend_pause:
            return
        self._mended_at = time.monotonic()
        self._mend_pause = min(LONGEST_MEND_SECONDS, 2 * self._mend_pause)
        bundles = dict(self.live.by_project)
        for project, bundle in self.live.by_project.items():
            if bundle.equipment.faults:
                bundles[project] = self._equipped(bundle, self._fetch)
        if any(bundles[project].equipment.faults != b.equipment.faults for project, b in self.live.by_project.items()):
            self._swap(bundles)

    def _held(self, project: int) -> tuple[int, str] | None:
        """Return version and digest of a bundle that Postgres gave; one of the file is fetched again."""
        bundle = self.live.by_project.get(project)
        if bundle is None or bundle.source is BundleSource.FILE:
            return None
        return bundle.version, bundle.text.sha256

    def _swap(self, bundles: Mapping[int, LiveBundle]) -> None:
        by_key = {digest: (bundle, key) for bundle in bundles.values() for digest, key in bundle.api_keys.items()}
        self.live = Live(by_project=MappingProxyType(dict(bundles)), by_key=MappingProxyType(by_key))
        self._mended_at, self._mend_pause = time.monotonic(), MEND_SECONDS
        self._loader.forget_all_but(bundle.points for bundle in bundles.values())

    def _load_file(self) -> None:
        bundles: dict[int, LiveBundle] = {}
        try:
            texts = self._file.read()
        except BundleFileUnusable as error:
            self._error = f"{self._error} {error.message}"
            return
        for text in texts:
            try:
                bundle = open_bundle(text, source=BundleSource.FILE)
                bundles[text.project_id] = self._equipped(bundle, _nowhere)
            except DomainError as error:
                self._error = f"{self._error} Bundle {text.project_id}:{text.version} of the file: {error.message}"
        if bundles:
            self._swap(bundles)

    def _keep_file(self) -> None:
        """See that the file holds what is live, though another process may have written an older state."""
        texts = [bundle.text for bundle in self.live.by_project.values()]
        try:
            if not self._file.holds(texts):
                self._file.write(texts)
            self._file_checked_at = time.monotonic()
        except OSError as error:
            self._error = f"the last-known-good file cannot be written: {error.strerror}"

    def _keep_up(self) -> None:
        while not self._stopping.is_set():
            self._wanted.wait(self._settings.poll_seconds)
            self._wanted.clear()
            if not self._stopping.is_set():
                self.refresh()
        if self._database is not None:
            self._database.close()

    def _ring(self) -> None:
        self._hinted = True
        self._wanted.set()

    def _note(self, error: str) -> None:
        if self._error is None:
            logger.warning("serving the last good bundles: %s", error)
        self._error = error


def _nowhere(_sha: str) -> bytes | None:
    """Stand in for Postgres while it does not answer: what is not on this machine's disk is not to be had."""
    return None
