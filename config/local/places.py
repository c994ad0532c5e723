"""Where local state lies, and which account may reach it.

Postgres refuses to run as root. A root user therefore runs it as an unprivileged account, and where that
account cannot enter the project (a clone below root's home), data and program files go to a directory of
their own under /var/lib. No permission of an existing directory is ever changed.
"""

import json
import os
import pwd
import secrets
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.local.faults import NoUnprivilegedAccount

PROJECT = Path(__file__).resolve().parents[2]
SHARED_ROOTS = (Path("/var/lib/tiltyard"), Path("/var/tmp/tiltyard-root"))  # noqa: S108 - its owner and mode are checked


def state_directory() -> Path:
    """Return the directory of everything a clone keeps outside git, created when it is missing."""
    named = os.environ.get("TILTYARD_STATE_DIR", "")
    directory = (Path(named) if named else PROJECT / ".tiltyard").absolute()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@dataclass(frozen=True, slots=True)
class Account:
    """An operating system account that a server runs as."""

    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, object]:
        """Return the keyword arguments that make `subprocess` start a child as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_run(self, command: Sequence[str]) -> bool:
        """Return whether the command ends well when this account runs it."""
        try:
            done = subprocess.run(
                command,
                user=self.uid,
                group=self.gid,
                extra_groups=[],
                cwd="/",
                env={"PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        except OSError:
            return False
        return done.returncode == 0

    def can_enter(self, directory: Path) -> bool:
        """Return whether this account may pass through the directory and all above it."""
        return self.can_run(["/bin/sh", "-c", 'cd "$1"', "sh", str(directory)])


def unprivileged_account() -> Account | None:
    """Return the account Postgres has to run as when the caller is root, None for anybody else.

    Raises:
        NoUnprivilegedAccount: this root may not change its identity (some containers).
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        entry = pwd.getpwuid(65534)
    account = Account(uid=entry.pw_uid, gid=entry.pw_gid)
    if not account.can_run(["/bin/sh", "-c", ":"]):
        raise NoUnprivilegedAccount(
            f"Postgres must not run as root, and this root cannot become uid {account.uid}.",
            fix="run the command as an ordinary user, or set DATABASE_URL to a server of your own.",
        )
    return account


def shared_root() -> Path:
    """Return a directory of root's that every account can read, created when it is missing.

    Raises:
        NoUnprivilegedAccount: none of the places can be had.
    """
    for candidate in SHARED_ROOTS:
        try:
            candidate.mkdir(mode=0o755, exist_ok=True)
            found = candidate.lstat()
        except OSError:
            continue
        writable_by_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not writable_by_others:
            candidate.chmod(0o755)
            return candidate
    places = " or ".join(str(place) for place in SHARED_ROOTS)
    raise NoUnprivilegedAccount(
        f"Neither {places} can be used for the data of the embedded Postgres.",
        fix="clone below a directory that is open to all (such as /srv), or set DATABASE_URL.",
    )


def data_directory(home: Path, *, account: Account | None) -> Path:
    """Return where the server of `home` keeps its data: inside, unless the account cannot enter there."""
    if account is None or account.can_enter(home):
        return home / "data"
    return _outside(home) / "data"


def forget_data_directory(home: Path) -> None:
    """Delete the data of the server of `home`, wherever it lies."""
    outside = _recorded_outside(home)
    if outside is not None:
        shutil.rmtree(outside, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


def _outside(home: Path) -> Path:
    """Return the directory outside the project that belongs to `home`.

    Its name is random and noted in `home`; it notes `home` in turn. So a deleted clone leaves nothing that a
    new one at the same place could take for its own, a moved clone keeps its data, a copied one shares none.
    """
    recorded = _recorded_outside(home)
    if recorded is not None:
        return recorded
    _remove_orphans()
    directory = shared_root() / secrets.token_hex(8)
    directory.mkdir(mode=0o755)
    directory.chmod(0o755)
    (directory / "origin.json").write_text(json.dumps({"home": str(home)}))
    (home / "outside.json").write_text(json.dumps({"directory": str(directory)}))
    return directory


def _recorded_outside(home: Path) -> Path | None:
    note = home / "outside.json"
    if not note.exists():
        return None
    directory = Path(json.loads(note.read_text())["directory"])
    origin_note = directory / "origin.json"
    if not origin_note.exists():
        return None
    origin = Path(json.loads(origin_note.read_text())["home"])
    if origin == home:
        return directory
    if (origin / "outside.json").exists():
        return None
    origin_note.write_text(json.dumps({"home": str(home)}))
    return directory


def _remove_orphans() -> None:
    """Delete data whose clone is gone."""
    for note in shared_root().glob("*/origin.json"):
        try:
            home = Path(json.loads(note.read_text())["home"])
        except (OSError, ValueError, KeyError):
            continue
        if not home.exists():
            shutil.rmtree(note.parent, ignore_errors=True)
