"""What a learning policy knows, as the edge reads it: verified before it is parsed, and bounded before it is used."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from decisions.learning import LearnerKind
from decisions.learning.arrays import LearnerStateMalformed, read_arrays, write_arrays
from decisions.learning.beta import Floats
from decisions.learning.demand import FEATURES, MOST_STEPS, DemandPrior
from decisions.learning.draws import COUNT
from decisions.learning.gaussian import Gaussian

SCHEMA: Final = 1
MOST_ARMS: Final = 200_000
MOST_PRICED: Final = 100_000
"""Items whose demand a state holds: more would not fit into a file."""
MOST_FEATURES: Final = 64
LARGEST_WEIGHT: Final = 1e12
"""Weights, draws and counts stay below it, so that no score can overflow."""


@dataclass(frozen=True, slots=True, eq=False)
class BetaSnapshot:
    """Rates of actions. counts: alpha and beta of each of the `items`, in the order of their ids.

    best: P(it has the largest rate) among the items and one more action that is known by the prior alone, whose
    probability is `best_unseen` and whose expected rate is `unseen_rate`.
    """

    floor: float
    items: tuple[str, ...]
    counts: Floats
    best: Floats
    best_unseen: float
    unseen_rate: float

    @property
    def kind(self) -> LearnerKind:
        """How it learns."""
        return LearnerKind.BETA


@dataclass(frozen=True, slots=True, eq=False)
class WeightsSnapshot:
    """Weights of features. posterior: over the weights of `features` and, last, of the logarithm of a place in a slate.

    draws: COUNT x features, what the policy chooses by; the place is the same for all that compete for it.
    """

    kind: LearnerKind
    floor: float
    features: tuple[str, ...]
    posterior: Gaussian
    draws: Floats


@dataclass(frozen=True, slots=True, eq=False)
class DemandSnapshot:
    """Demand over price. level: pieces a day that were expected of each of the `items` at its own price.

    pieces, days: items x steps, what was sold at each step of price and in how many days.
    """

    floor: float
    prior: DemandPrior
    items: tuple[str, ...]
    level: Floats
    pieces: Floats
    days: Floats

    @property
    def kind(self) -> LearnerKind:
        """How it learns."""
        return LearnerKind.DEMAND

    @property
    def features(self) -> tuple[str, ...]:
        """What it reads of a price."""
        return FEATURES


LearnerSnapshot = BetaSnapshot | WeightsSnapshot | DemandSnapshot


def write_state(snapshot: LearnerSnapshot) -> bytes:
    """Return the file of a state; equal states give equal bytes."""
    description: dict[str, Any] = {"schema": SCHEMA, "kind": snapshot.kind.value, "floor": snapshot.floor}
    if isinstance(snapshot, BetaSnapshot):
        return write_arrays(
            description | {"best_unseen": snapshot.best_unseen, "unseen_rate": snapshot.unseen_rate},
            {"items": _ids(snapshot.items), "counts": snapshot.counts, "best": snapshot.best},
        )
    if isinstance(snapshot, DemandSnapshot):
        return write_arrays(
            description | asdict(snapshot.prior),
            {
                "items": _ids(snapshot.items),
                "level": snapshot.level,
                "pieces": snapshot.pieces,
                "days": snapshot.days,
            },
        )
    posterior = snapshot.posterior
    return write_arrays(
        description | {"features": list(snapshot.features)},
        {"mean": posterior.mean, "precision": posterior.precision, "draws": snapshot.draws},
    )


def open_state(content: bytes, *, sha256: str, seal: str, key: bytes) -> LearnerSnapshot:
    """Return the state that published bytes stand for, after digest and seal have been checked.

    Raises:
        LearnerStateDamaged, LearnerStateForged, LearnerStateMalformed: see decisions.learning.arrays.
    """
    said, arrays = read_arrays(content, sha256=sha256, sealed=seal, key=key)
    _ensure(said.get("schema") == SCHEMA, "Its schema cannot be read.")
    floor = _share(said, "floor")
    _ensure(floor > 0.0, "It has no exploration floor.")
    kind = said.get("kind")
    _ensure(kind in tuple(known.value for known in LearnerKind), "Its kind is unknown.")
    if kind == LearnerKind.BETA:
        return _rates(said, arrays, floor)
    if kind == LearnerKind.DEMAND:
        return _demand(said, arrays, floor)
    return _weights(said, arrays, LearnerKind(str(kind)), floor)


def _rates(said: dict[str, Any], arrays: dict[str, np.ndarray], floor: float) -> BetaSnapshot:
    items = _items(arrays)
    counts, best = _array(arrays, "counts", (len(items), 2)), _array(arrays, "best", (len(items),))
    _ensure(bool((counts > 0.0).all()), "A count is not above 0.")
    unseen = _share(said, "best_unseen")
    _ensure(
        bool((best >= 0.0).all()) and abs(float(best.sum()) + unseen - 1.0) < 1e-6, "Its shares do not add up to 1."
    )
    return BetaSnapshot(floor, items, counts, best, unseen, _share(said, "unseen_rate"))


def _demand(said: dict[str, Any], arrays: dict[str, np.ndarray], floor: float) -> DemandSnapshot:
    items = _items(arrays)
    _ensure(len(items) <= MOST_PRICED, "It has too many items.")
    steps = said.get("steps")
    _ensure(type(steps) is int and 2 <= steps <= MOST_STEPS, "Its steps are none.")
    assert isinstance(steps, int)
    prior = DemandPrior(
        elasticity=_number(said, "elasticity", least=-10.0, most=0.0),
        pieces=_number(said, "pieces", least=0.0, most=1e6),
        steps=steps,
        span=_number(said, "span", least=0.0, most=0.99),
    )
    _ensure(prior.pieces > 0.0 and prior.span > 0.0, "Its prior is none.")
    level = _array(arrays, "level", (len(items),))
    pieces, days = (_array(arrays, name, (len(items), steps)) for name in ("pieces", "days"))
    _ensure(bool((level > 0.0).all() and (pieces >= 0.0).all() and (days >= 0.0).all()), "It has impossible sales.")
    return DemandSnapshot(floor, prior, items, level, pieces, days)


def _ids(items: tuple[str, ...]) -> np.ndarray:
    return np.frombuffer(json.dumps(items, ensure_ascii=False, separators=(",", ":")).encode(), dtype=np.uint8)


def _items(arrays: dict[str, np.ndarray]) -> tuple[str, ...]:
    stored = arrays.get("items")
    _ensure(stored is not None and stored.dtype == np.uint8 and stored.ndim == 1, "It has no list of actions.")
    assert stored is not None
    try:
        items = json.loads(stored.tobytes())
    except (ValueError, RecursionError) as error:
        raise LearnerStateMalformed("Its list of actions cannot be read.") from error
    _ensure(isinstance(items, list) and len(items) <= MOST_ARMS, "Its actions are no list, or too many.")
    _ensure(all(isinstance(item, str) for item in items) and len(set(items)) == len(items), "Its actions are no ids.")
    return tuple(items)


def _weights(said: dict[str, Any], arrays: dict[str, np.ndarray], kind: LearnerKind, floor: float) -> WeightsSnapshot:
    names = said.get("features")
    _ensure(isinstance(names, list) and 1 <= len(names) <= MOST_FEATURES, "Its features are no list, or too many.")
    assert isinstance(names, list)
    _ensure(
        all(isinstance(name, str) for name in names) and len(set(names)) == len(names), "Its features have no names."
    )
    size = len(names) + 1
    mean, precision = _array(arrays, "mean", (size,)), _array(arrays, "precision", (size, size))
    _ensure(bool((precision == precision.T).all() and (np.diag(precision) > 0.0).all()), "Its precision is none.")
    draws = _array(arrays, "draws", (COUNT, len(names)))
    return WeightsSnapshot(kind, floor, tuple(names), Gaussian(mean, precision), draws)


def _array(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> Floats:
    found = arrays.get(name)
    _ensure(found is not None, f"The array {name} is missing.")
    assert found is not None
    _ensure(found.dtype == np.float64 and found.shape == shape, f"The array {name} is not of the shape {shape}.")
    # Precisions grow with everything that was ever seen; they are not multiplied by anything while serving.
    bound = np.inf if name == "precision" else LARGEST_WEIGHT
    _ensure(not found.size or float(np.abs(found).max()) <= bound, f"The array {name} holds numbers too large.")
    return found


def _share(said: dict[str, Any], name: str) -> float:
    return _number(said, name, least=0.0, most=1.0)


def _number(said: dict[str, Any], name: str, *, least: float, most: float) -> float:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise LearnerStateMalformed(f"{name} is no number from {least:g} to {most:g}.")
    return float(value)


def _ensure(holds: bool, sentence: str) -> None:
    if not holds:
        raise LearnerStateMalformed(sentence)
