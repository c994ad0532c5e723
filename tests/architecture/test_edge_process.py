"""What the edge process loads, seen in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.source import PROJECT

FORBIDDEN = (
    "django",
    "rest_framework",
    "celery",
    "pandas",
    "scipy",
    "statsmodels",
    "tensorflow",
    "keras",
    "duckdb",
    "pyarrow",
    "ibis",
)
LARGEST_MEGABYTES = 250


def test_edge__once_imported__has_loaded_nothing_slow(tmp_path: Path) -> None:
    program = (
        "import json, pathlib, re, sys\n"
        "import config.edge\n"
        "assert callable(config.edge.application)\n"
        "tops = sorted({name.partition('.')[0] for name in sys.modules})\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status').read_text())\n"
        "print(json.dumps([tops, int(peak[1]) / 1024]))\n"
    )
    environment = {**os.environ, "TILTYARD_STATE_DIR": str(tmp_path)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded, megabytes = json.loads(done.stdout.splitlines()[-1])
    assert sorted(set(loaded) & set(FORBIDDEN)) == []
    assert megabytes < LARGEST_MEGABYTES


def test_edge__arrays_multiplied__uses_no_threads_of_their_own(tmp_path: Path) -> None:
    program = (
        "import pathlib\n"
        "import config.edge\n"
        "import numpy as np\n"
        "square = np.ones((1_000, 1_000), dtype=np.float32)\n"
        "square @ square\n"
        "print(len(list(pathlib.Path('/proc/self/task').iterdir())))\n"
    )
    single = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in single}
    environment["TILTYARD_STATE_DIR"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr
