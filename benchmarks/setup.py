"""Seconds and megabytes of `bin/setup` in a copy of this clone, with an empty package cache and again.

Prints one JSON object. `cold_seconds` includes downloads, so it depends on the network.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(".venv", ".git", ".tiltyard", "__pycache__", ".*_cache", ".hypothesis")


def main() -> int:
    """Measure, print, and leave nothing behind."""
    with tempfile.TemporaryDirectory(prefix="tiltyard-setup-") as folder:
        clone, cache = Path(folder) / "clone", Path(folder) / "cache"
        shutil.copytree(PROJECT, clone, ignore=LEFT_OUT)
        cold, warm = (_seconds(clone, cache) for _ in range(2))
        result = {
            "benchmark": "setup",
            "cold_seconds": round(cold, 1),
            "warm_seconds": round(warm, 1),
            "virtual_environment_mb": round(_megabytes(clone / ".venv")),
            "state_mb": round(_megabytes(clone / ".tiltyard")),
            "cache_mb": round(_megabytes(cache)),
        }
        _remove_state(clone)
    print(json.dumps(result))
    return 0


def _seconds(clone: Path, cache: Path) -> float:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "VIRTUAL_ENV") and not name.startswith("TILTYARD_")
    }
    environment |= {"UV_CACHE_DIR": str(cache / "uv"), "PIP_CACHE_DIR": str(cache / "pip")}
    start = time.monotonic()
    subprocess.run([clone / "bin" / "setup"], env=environment, stdout=sys.stderr, check=True)
    return time.monotonic() - start


def _megabytes(folder: Path) -> float:
    """Return the size of a folder's files, counting hard-linked ones once."""
    found = {(stat.st_dev, stat.st_ino): stat.st_size for path in folder.rglob("*") if (stat := path.lstat())}
    return sum(found.values()) / 1e6


def _remove_state(clone: Path) -> None:
    """Stop the copy's servers and delete their data, which may lie outside the copy."""
    program = (
        "from config.local.embedded import servers, stop_if_unused\n"
        "from config.local.places import state_directory\n"
        "stop_if_unused(state_directory())\n"
        "for server in servers(state_directory()).values(): server.remove()\n"
    )
    subprocess.run([clone / ".venv" / "bin" / "python", "-c", program], cwd=clone, check=True)


if __name__ == "__main__":
    sys.exit(main())
