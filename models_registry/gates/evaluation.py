"""What was measured of a candidate: figures of users, slices, probabilities, slates and time. Pure records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from models_registry.gates.calibration import Calibration
from models_registry.gates.rule import GateMalformed

Figures = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
POPULARITY: Final = "popularity"
"""The reference that needs no model, whatever it is in a domain."""
CHAMPION: Final = "champion"

Request = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64] | None]
"""What a predictor is asked while serving: the subject, and the candidates (None for all)."""


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """The figures of a part of what was judged, such as new users: one of each user in it, as in Evaluation."""

    candidate: Figures
    references: Mapping[str, Figures]


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the predictor took on this machine: milliseconds of a request; `machine` says what it is."""

    requests: int
    p50_ms: float
    p99_ms: float
    machine: str


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What was measured on users whose later deeds the candidate had not seen.

    metrics: figures over all of them, by name. candidate: one figure of the rule's metric for each user. references:
    the same figure for the same users in the same order, of POPULARITY and, where there is one, of CHAMPION. The rest
    is judged where a recipe measures it. calibration: of its probabilities. slices: by name. violations: how many of
    the judged slates fail each test, by name, and `slates` how many were judged. requests: what the predictor is timed
    with. latency, size (bytes): measured by the pipeline.
    """

    metrics: Mapping[str, float]
    candidate: Figures
    references: Mapping[str, Figures]
    calibration: Calibration | None = None
    slices: Mapping[str, Slice] = field(default_factory=dict)
    violations: Mapping[str, int] = field(default_factory=dict)
    slates: int = 0
    requests: tuple[Request, ...] = ()
    latency: Latency | None = None
    size: int | None = None


def sliced(candidate: Figures, references: Mapping[str, Figures], masks: Mapping[str, Bools]) -> dict[str, Slice]:
    """Return the slices that masks over the users stand for, in the order of the masks.

    Raises:
        GateMalformed: a mask has not one entry for each user.
    """
    found = {}
    for name, mask in masks.items():
        if mask.shape != candidate.shape:
            raise GateMalformed(f"The slice {name} has not one entry for each user.")
        found[name] = Slice(candidate[mask], {reference: values[mask] for reference, values in references.items()})
    return found
