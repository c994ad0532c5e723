"""bin/manage try: no server is started for it, and its errors say what to do."""

import hashlib
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.architecture.source import PROJECT
from tests.experiments.trial.material import START, write_lines, write_orders

KEY = hashlib.sha512(b"a key for tests").hexdigest()
SMALL = [(str(n), f"k{n % 7}", START + timedelta(days=n), 10.0 + n) for n in range(20)]


def alone(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in an environment that names no servers, with a state directory of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    environment = {**kept, "TILTYARD_STATE_DIR": str(state), "SECRET_KEY": KEY}
    return subprocess.run(
        [sys.executable, "manage.py", "try", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_try__no_servers_named__starts_none_and_leaves_nothing(tmp_path: Path):
    path, state = write_orders(tmp_path / "log.csv", SMALL), tmp_path / "state"
    state.mkdir()
    done = alone(state, str(path))
    assert (done.returncode, "WHAT WAS READ: log.csv" in done.stdout) == (0, True), done.stderr
    assert "Not computed: The log covers 20 days" in done.stdout
    assert "no database was used" in done.stdout
    assert list(state.iterdir()) == []


def test_try__column_missing__fails_with_code_and_fix(tmp_path: Path):
    path, state = write_lines(tmp_path / "log.csv", "who,when,amount", "a,2024-03-01,1"), tmp_path / "state"
    state.mkdir()
    done = alone(state, str(path))
    assert done.returncode == 1
    assert "COLUMNS_UNCLEAR" in done.stderr
    assert "fix: Rename the column" in done.stderr
    assert done.stdout == ""


def test_try__json__is_one_object_with_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = write_orders(tmp_path / "log.csv", SMALL)
    test = write_lines(tmp_path / "test.csv", "variant,users,conversions", "control,900,50", "new,100,9")
    call_command("try", str(path), str(test), "--json", "--split", "control=90,new=10")
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["seed"], found["read"]["orders"]) == (1, 1, 20)
    assert (found["rehearsed"], found["usual"]) == (None, [])
    assert found["opinion"]["verdict"] == {"state": "INCONCLUSIVE", "winner": None}
    assert found["opinion"]["usual"][0]["lift"] == pytest.approx(0.62)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--split", "control"], "is not like control=96,ad=4"),
        (["--split", "control=1,other=1"], "--split names control, other; the variants are control, new"),
        (["--scale", "0"], "--scale must be above 0"),
        (["--seed", "-1"], "--seed 0 or more"),
    ],
)
def test_try__options_that_make_no_sense__are_refused(tmp_path: Path, arguments: list[str], told: str):
    path = write_orders(tmp_path / "log.csv", SMALL)
    test = write_lines(tmp_path / "test.csv", "variant,users,conversions", "control,900,50", "new,100,9")
    with pytest.raises(CommandError, match=told):
        call_command("try", str(path), str(test), *arguments)
