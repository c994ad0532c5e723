"""Chromium for the browser tests (standard library only)."""

import os
import shutil
import subprocess

from config.local.progress import Steps

PACKAGES = ("chromium", "chromium-driver", "fonts-noto-cjk", "fonts-liberation")
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find() -> str | None:
    """Return the path of an installed Chromium or Chrome, or None; CHROMIUM names another one."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next((path for path in map(shutil.which, NAMES) if path), None)


def how_to_install() -> str:
    """Return the command that installs it on this kind of system."""
    return f"as root: apt-get install {' '.join(PACKAGES)} (or name a Chromium of your own by CHROMIUM=path)"


def install(steps: Steps) -> None:
    """Install Chromium where that is possible; otherwise print how, and go on."""
    with steps.step("Chromium for browser tests") as note:
        if find() is not None:
            note.text = f"{find()} is there"
        elif os.geteuid() == 0 and shutil.which("apt-get"):
            note.text = "installed by apt" if _apt() else f"apt failed; fix: {how_to_install()}"
        else:
            note.text = f"not installed; fix: {how_to_install()}"


def _apt() -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    commands = (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *PACKAGES],
    )
    return all(subprocess.run(command, env=environment, check=False).returncode == 0 for command in commands)
