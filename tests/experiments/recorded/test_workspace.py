import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.recorded.workspace import opened_workspace
from tests.architecture.source import PROJECT

HOLD = """
import sys
from pathlib import Path
from experiments.recorded.workspace import opened_workspace
with opened_workspace(Path(sys.argv[1])) as workspace:
    (workspace.directory / "ids").write_text("secret")
    print(workspace.directory, flush=True)
    sys.stdin.read()
"""


def hold(parent: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(parent)], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_opened_workspace__left__leaves_nothing_behind(tmp_path: Path):
    with opened_workspace(tmp_path / "work") as workspace:
        workspace.database.execute("CREATE TABLE t AS SELECT range AS x FROM range(10)")
        assert oct(workspace.directory.stat().st_mode)[-3:] == "700"
    assert list((tmp_path / "work").iterdir()) == []


def test_opened_workspace__left_by_an_error__leaves_nothing_behind(tmp_path: Path):
    with pytest.raises(ZeroDivisionError), opened_workspace(tmp_path / "work"):
        raise ZeroDivisionError
    assert list((tmp_path / "work").iterdir()) == []


def test_opened_workspace__another_is_open__does_not_touch_it(tmp_path: Path):
    with hold(tmp_path) as other:
        assert other.stdout is not None
        held = Path(other.stdout.readline().strip())
        with opened_workspace(tmp_path):
            assert (held / "ids").read_text() == "secret"
        other.communicate("")
    assert list(tmp_path.iterdir()) == []


def test_opened_workspace__after_a_kill__removes_what_was_left(tmp_path: Path):
    with hold(tmp_path) as other:
        assert other.stdout is not None
        held = Path(other.stdout.readline().strip())
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    assert (held / "ids").exists()
    with opened_workspace(tmp_path):
        assert not held.exists()
