"""The process that stops the embedded servers of a clone once nobody holds a lease on them.

Run as `python -m config.local.keeper STATE_DIRECTORY GRACE_SECONDS`. It survives the process that started it,
and learns of the end of every user, crashes included, from the lock that the kernel takes back.
"""

import fcntl
import os
import sys
import time
from pathlib import Path

from config.local.embedded import servers


def keep(state: Path, *, grace_seconds: float) -> None:
    """Wait until no lease has been held for the grace time, then stop the servers and return."""
    with (state / "keeper.lock").open("a") as alone, (state / "services.lock").open("a") as leases:
        try:
            fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        finally:
            _report_ready()
        known = servers(state)
        while True:
            for server in known.values():
                _ = server.pid  # remembered, should the clone be deleted while it runs
            fcntl.flock(leases, fcntl.LOCK_EX)
            fcntl.flock(leases, fcntl.LOCK_UN)
            time.sleep(grace_seconds)
            try:
                fcntl.flock(leases, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            for server in known.values():
                server.stop()
            fcntl.flock(alone, fcntl.LOCK_UN)
            return


def _report_ready() -> None:
    """Tell the starter that the keeper holds its lock, and let go of the starter's terminal."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), grace_seconds=float(sys.argv[2]))
