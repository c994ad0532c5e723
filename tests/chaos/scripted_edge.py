"""An edge whose predictors misbehave as the file named by CHAOS_SCRIPT says: served like the real one."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from config.edge import process
from config.edge.process import StartResponse
from decisions.policy import Indices, Scores
from models_registry.predictors.popularity import Popularity

HANG_SECONDS = 10.0
_true_score = Popularity.score


def _score(self: Popularity, history: Indices, candidates: Indices | None = None) -> Scores:
    script = Path(os.environ["CHAOS_SCRIPT"])
    with script.with_suffix(".calls").open("ab") as calls:
        calls.write(b".")
    match script.read_text():
        case "hangs":
            time.sleep(HANG_SECONDS)
        case "raises":
            raise RuntimeError("scripted")
        case "gives NaN":
            return np.full_like(_true_score(self, history, candidates), np.nan)
        case "gives too few":
            return _true_score(self, history, candidates)[:-1]
    return _true_score(self, history, candidates)


setattr(Popularity, "score", _score)  # noqa: B010 - assigned plainly, type checkers take it for a slip


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer as the edge does (WSGI)."""
    return process.application(environ, start_response)
