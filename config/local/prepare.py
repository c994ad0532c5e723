"""The part of set-up that needs the installed packages: servers, migrations, static files, first account.

Run as `python -m config.local.prepare FIRST_STEP TOTAL_STEPS [--quiet]` by `config.local.bootstrap`.
"""

import hashlib
import os
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path

import django
from django.core.management import call_command

from config.environment import EnvironmentFault
from config.local.embedded import ensure_services
from config.local.faults import LocalServiceError
from config.local.places import PROJECT, state_directory
from config.local.progress import Steps
from config.local.translations import compile_catalogues

ADMINISTRATOR = "admin"


def main(arguments: list[str]) -> int:
    """Bring servers, database and files to where `bin/serve` can start; return the exit code."""
    steps = Steps(number=int(arguments[0]), total=int(arguments[1]))
    try:
        password = _prepare(steps)
    except (EnvironmentFault, LocalServiceError) as fault:
        print(fault, file=sys.stderr)
        return 1
    if password is not None:
        print(f"\nConsole account: {ADMINISTRATOR}\nPassword (shown once): {password}")
        print("  another account: bin/manage createsuperuser; another password: bin/manage changepassword admin")
    if "--quiet" not in arguments:
        print("\nReady. Next: bin/serve (the site), bin/demo (a first verdict), bin/test, bin/manage doctor")
    return 0


def _prepare(steps: Steps) -> str | None:
    """Run the steps and return the password of an account that was made, None where there was one."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with ExitStack() as services:
        with steps.step("Postgres and Redis") as note:
            lease = services.enter_context(ensure_services())
            names = " and ".join(sorted(lease.urls))
            note.text = f"embedded for {names}" if names else "yours, by DATABASE_URL and REDIS_URL"
        django.setup()
        with steps.step("Database migrations"):
            call_command("migrate", verbosity=0, interactive=False)
        with steps.step("Translations and static files") as note:
            count = compile_catalogues(PROJECT / "locale")
            note.text = f"{count} catalogues, static files {_collect_static()}"
        with steps.step("Console account") as note:
            password = _first_account()
            note.text = "made" if password else "there is one"
    return password


def _collect_static() -> str:
    """Collect static files again when any source changed; say whether that was so."""
    from django.contrib.staticfiles.finders import get_finders

    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            digest.update(f"{name}|{found.st_size}|{found.st_mtime_ns}\n".encode())
    stamp = state_directory() / "static.sha256"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return "unchanged"
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(digest.hexdigest())
    return "collected"


def _first_account() -> str | None:
    """Make an administrator when the database has none and return its password."""
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    if users.filter(is_superuser=True, is_active=True).exists():
        return None
    password = secrets.token_urlsafe(15)
    users.create_superuser(ADMINISTRATOR, "", password)
    return password


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
