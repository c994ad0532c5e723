"""What a candidate must show, declared before it is trained; read from JSON and written to it."""

import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, TypeVar

from foundation.errors import DomainError

MOST_CONSTRAINTS: Final = 50


def _finite(*values: float) -> bool:
    return all(math.isfinite(value) for value in values)


class GateMalformed(DomainError):
    """The rule of a gate, or what it is given to judge, makes no sense."""

    code = "GATE_MALFORMED"
    hint = "Margins are finite, the confidence lies between 0.5 and 1, and every user has each figure."


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRule:
    """How far probabilities may be off. Judged wherever a recipe's models give probabilities.

    most_ratio: expected responses by observed ones lie in [1 / most_ratio, most_ratio]. most_error: the expected
    calibration error beyond what chance alone would show, as a share of the observed rate. least_responses: how many
    observed responses the judgment needs.
    """

    most_ratio: float = 1.25
    most_error: float = 0.25
    least_responses: int = 100

    def __post_init__(self) -> None:
        if not (_finite(self.most_ratio, self.most_error) and self.most_ratio > 1.0 and self.most_error > 0.0):
            raise GateMalformed(f"The calibration rule {self} cannot be applied.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRule:
    """When a part of the users counts as harmed: its whole interval lies below -margin.

    The intervals hold together for all slices and references (Bonferroni). least_users: smaller slices are shown and
    not judged.
    """

    margin: float = 0.0
    least_users: int = 50

    def __post_init__(self) -> None:
        if not _finite(self.margin) or self.margin < 0.0 or self.least_users < 2:
            raise GateMalformed(f"The slice rule {self} cannot be applied.")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """What a candidate must show; declared before it is trained.

    margin: how far, in units of the metric, the candidate may fall behind the reference that needs no model; not
    negative. champion_margin: the same behind the present champion, and where it is negative by how much the candidate
    must be better; None reports that comparison without judging it. least_users: how many users the judgment needs.
    confidence: of the two-sided intervals. calibration, slices: None for not judged. constraints: the names of tests
    that must have been made of the judged slates; a test that fails refuses whether or not it is named here.
    latency_ms: what 99 of 100 requests must not exceed on the machine that trains. size_mb: of the artifact, in
    millions of bytes.
    """

    metric: str = "ndcg_at_10"
    margin: float = 0.0
    champion_margin: float | None = None
    least_users: int = 100
    confidence: float = 0.95
    calibration: CalibrationRule | None = CalibrationRule()
    slices: SliceRule | None = SliceRule()
    constraints: tuple[str, ...] = ()
    latency_ms: float | None = None
    size_mb: float | None = None

    def __post_init__(self) -> None:
        limits = [limit for limit in (self.latency_ms, self.size_mb) if limit is not None]
        sound = (
            _finite(self.margin, self.champion_margin or 0.0, *limits)
            and self.margin >= 0.0
            and 0.5 < self.confidence < 1.0
            and all(limit > 0.0 for limit in limits)
        )
        if not sound:
            raise GateMalformed(f"The rule {self} cannot be applied.")

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "GateRule":
        """Return the rule that JSON stands for; what is not said has its default.

        Raises:
            GateMalformed: a name is unknown, or a value is of the wrong type or makes no sense.
        """
        values = dict(said)
        if values.get("calibration") is not None:
            values["calibration"] = _read(CalibrationRule, values["calibration"], "calibration")
        if values.get("slices") is not None:
            values["slices"] = _read(SliceRule, values["slices"], "slices")
        return _read(cls, values, "rule")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON that `from_dict` reads."""
        return {**asdict(self), "constraints": list(self.constraints)}


RuleT = TypeVar("RuleT", GateRule, CalibrationRule, SliceRule)
_WHOLE: Final = ("least_users", "least_responses")
_OPTIONAL: Final = ("champion_margin", "latency_ms", "size_mb", "calibration", "slices")


def _read(kind: type[RuleT], said: object, path: str) -> RuleT:
    if not isinstance(said, Mapping):
        raise GateMalformed(f"{path} must be an object.")
    known = [field.name for field in fields(kind)]
    unknown = sorted(map(str, set(said) - set(known)))
    if unknown:
        raise GateMalformed(f"{path} does not know {', '.join(unknown)}. It knows {', '.join(known)}.")
    return kind(**{name: _value(name, value, path) for name, value in said.items()})


def _value(name: str, value: object, path: str) -> Any:
    if value is None and name in _OPTIONAL:
        return None
    if isinstance(value, CalibrationRule | SliceRule):
        return value
    if name == "metric":
        if isinstance(value, str) and value:
            return value
        raise GateMalformed(f"{path}.{name} must name a metric.")
    if name == "constraints":
        return _names(value, f"{path}.{name}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise GateMalformed(f"{path}.{name} must be a number.")
    if not abs(value) <= sys.float_info.max:
        raise GateMalformed(f"{path}.{name} must be a finite number.")
    if name in _WHOLE:
        if value != int(value) or value < 0:
            raise GateMalformed(f"{path}.{name} must be a whole number from 0.")
        return int(value)
    return float(value)


def _names(value: object, path: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) > MOST_CONSTRAINTS:
        raise GateMalformed(f"{path} must be a list of at most {MOST_CONSTRAINTS} names.")
    if not all(isinstance(name, str) and name for name in value):
        raise GateMalformed(f"{path} must hold names.")
    return tuple(dict.fromkeys(map(str, value)))
