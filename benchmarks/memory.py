"""Resident memory of the edge and of the console after the pages people open, in megabytes of the process tree.

Prints one JSON object.
"""

import json
import secrets
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from config.local.embedded import ensure_services
from config.local.processes import Role
from config.local.supervisor import Site

ROUNDS = 20
PAGES = ("/admin/login/", "/x/", "/api/schema", "/healthz/ready")
LIMITS = {Role.EDGE: 250, Role.CONSOLE: 400}


def main() -> int:
    """Measure, print, and return 1 when a process is larger than promised."""
    with ensure_services(), tempfile.TemporaryDirectory(prefix="tiltyard-memory-") as folder:
        environment = {"SECRET_KEY": secrets.token_urlsafe(50)}
        with Site(Path(folder), environment=environment, roles=(Role.EDGE, Role.CONSOLE)) as site:
            for _ in range(ROUNDS):
                for page in PAGES:
                    _open(site.console_url + page)
                _open(site.edge_url + "/v1/assignments")
            megabytes = {role: _megabytes(site.pids[role]) for role in LIMITS}
    over = [role for role, limit in LIMITS.items() if megabytes[role] >= limit]
    print(json.dumps({"benchmark": "memory", **{f"{role}_mb": round(size) for role, size in megabytes.items()}}))
    return 1 if over else 0


def _open(url: str) -> None:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            answer.read()
    except urllib.error.HTTPError as answer:
        answer.read()


def _megabytes(pid: int) -> float:
    """Return the resident memory of a process and its children; what they share is counted for each."""
    root = psutil.Process(pid)
    return float(sum(process.memory_info().rss for process in (root, *root.children(recursive=True)))) / 1e6


if __name__ == "__main__":
    sys.exit(main())
