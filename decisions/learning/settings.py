"""What a learning policy begins with and how it learns, read from its JSON or refused with the name of the setting."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from decisions.learning import LearnerKind
from decisions.learning.beta import BetaPrior, BetaPriorInvalid
from decisions.learning.demand import MOST_STEPS, DemandPrior
from foundation.errors import DomainError

MOST_POSITIONS: Final = 1_000
LEAST_DISCOUNT: Final = 0.5
LARGEST_VARIANCE: Final = 1e12
FEWEST_STEPS: Final = 3
LEAST_PRIOR_PIECES: Final = 0.5
MOST_PRIOR_PIECES: Final = 1_000.0


class Target(StrEnum):
    """What a learning policy expects of an action."""

    REWARD = "reward"
    """Whether the reward came: 1 or 0."""
    VALUE = "value"
    """What was ordered of the action, in currency units; 0 where nothing was."""
    PIECES = "pieces"
    """How many pieces were ordered while a price held."""


class LearnerSettingsInvalid(DomainError):
    """A setting is unknown, or its value makes no sense."""

    code = "LEARNER_SETTINGS_INVALID"
    hint = "docs/decisions.md lists the settings of each kind; leave out what should be as usual."


@dataclass(frozen=True, slots=True)
class LearnerSettings:
    """How a learning policy learns.

    discount: what of the past still counts after one period of updates. positions: it learns from so many of the first
    places of each slate. beta: the prior of every rate. prior_mean (0 for features that it does not name) and
    prior_variance: of every weight. noise_variance: of a reward around its expectation, for the linear kind. demand:
    the prior of demand over price.
    """

    discount: float = 1.0
    positions: int = MOST_POSITIONS
    beta: BetaPrior = field(default_factory=BetaPrior)
    prior_mean: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    prior_variance: float = 1.0
    noise_variance: float = 0.25
    target: Target = Target.REWARD
    demand: DemandPrior = field(default_factory=DemandPrior)


_COMMON = ("discount", "positions")
_WEIGHTS = (*_COMMON, "prior_mean", "prior_variance")
SETTINGS: Final[Mapping[LearnerKind, tuple[str, ...]]] = MappingProxyType(
    {
        LearnerKind.BETA: (*_COMMON, "prior_rewards", "prior_misses"),
        LearnerKind.LINEAR: (*_WEIGHTS, "noise_variance", "target"),
        LearnerKind.LOGISTIC: _WEIGHTS,
        LearnerKind.DEMAND: ("discount", "elasticity", "prior_pieces", "steps", "span"),
    }
)


def read_settings(kind: LearnerKind, given: Mapping[str, Any], feature_names: Sequence[str]) -> LearnerSettings:
    """Return the settings of a learning policy. Raises LearnerSettingsInvalid, naming what is wrong.

    A Beta policy learns from the first place alone unless told otherwise: it has no way to tell an action that people
    do not like from one that stood where they did not look, as the other kinds have.
    """
    strange = sorted(set(given) - set(SETTINGS[kind]))
    if strange:
        raise LearnerSettingsInvalid(
            f"The kind {kind.value} has no setting {', '.join(strange)}; it has {', '.join(SETTINGS[kind])}."
        )
    first = 1 if kind is LearnerKind.BETA else MOST_POSITIONS
    target = Target.PIECES if kind is LearnerKind.DEMAND else _target(given)
    needed = ("noise_variance", "prior_variance") if target is Target.VALUE else ()
    missing = [name for name in needed if name not in given]
    if missing:
        raise LearnerSettingsInvalid(f"Money has no usual size: say {' and '.join(missing)}, in its squared units.")
    return LearnerSettings(
        discount=_number(given, "discount", 1.0, least=LEAST_DISCOUNT, most=1.0),
        positions=_positions(given, first),
        beta=_beta(given),
        prior_mean=_means(given, feature_names),
        prior_variance=_number(given, "prior_variance", 1.0, least=1e-9, most=LARGEST_VARIANCE),
        noise_variance=_number(given, "noise_variance", 0.25, least=1e-9, most=LARGEST_VARIANCE),
        target=target,
        demand=_demand(given),
    )


def _target(given: Mapping[str, Any]) -> Target:
    said = given.get("target", Target.REWARD.value)
    if said not in (Target.REWARD.value, Target.VALUE.value):
        raise LearnerSettingsInvalid(f"target: must be reward or value, not {said!r}.")
    return Target(said)


def _demand(given: Mapping[str, Any]) -> DemandPrior:
    usual = DemandPrior()
    return DemandPrior(
        elasticity=_number(given, "elasticity", usual.elasticity, least=-10.0, most=-0.1),
        pieces=_number(given, "prior_pieces", usual.pieces, least=LEAST_PRIOR_PIECES, most=MOST_PRIOR_PIECES),
        steps=_whole(given, "steps", usual.steps, least=FEWEST_STEPS, most=MOST_STEPS),
        span=_number(given, "span", usual.span, least=0.01, most=0.9),
    )


def _beta(given: Mapping[str, Any]) -> BetaPrior:
    try:
        return BetaPrior(_finite("prior_rewards", given, 1.0), _finite("prior_misses", given, 1.0))
    except BetaPriorInvalid as error:
        raise LearnerSettingsInvalid(f"prior_rewards, prior_misses: {error.message}", hint=error.hint) from error


def _means(given: Mapping[str, Any], feature_names: Sequence[str]) -> Mapping[str, float]:
    means = given.get("prior_mean", {})
    if not isinstance(means, Mapping):
        raise LearnerSettingsInvalid("prior_mean: must be an object with a number for each feature it names.")
    strange = sorted(set(means) - set(feature_names))
    if strange:
        raise LearnerSettingsInvalid(f"prior_mean: there is no feature {', '.join(map(str, strange))}.")
    return MappingProxyType({name: _finite(name, means, 0.0) for name in means})


def _positions(given: Mapping[str, Any], usual: int) -> int:
    return _whole(given, "positions", usual, least=1, most=MOST_POSITIONS)


def _whole(given: Mapping[str, Any], name: str, usual: int, *, least: int, most: int) -> int:
    said = given.get(name, usual)
    if isinstance(said, bool) or not isinstance(said, int) or not least <= said <= most:
        raise LearnerSettingsInvalid(f"{name}: must be a whole number from {least} to {most}, not {said!r}.")
    return said


def _number(given: Mapping[str, Any], name: str, usual: float, *, least: float, most: float) -> float:
    found = _finite(name, given, usual)
    if not least <= found <= most:
        raise LearnerSettingsInvalid(f"{name}: must be from {least:g} to {most:g}, not {found:g}.")
    return found


def _finite(name: str, given: Mapping[str, Any], usual: float) -> float:
    said = given.get(name, usual)
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said):
        raise LearnerSettingsInvalid(f"{name}: must be a finite number, not {said!r}.")
    return float(said)
