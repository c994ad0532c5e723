"""Offline acceptance: whether a trained candidate may be registered, judged on users it was not trained on.

It says only that a candidate is not worse than what it is compared with, and safe to serve. Whether it is better for
the shop is what an experiment finds out.
"""

from models_registry.gates.calibration import Calibration, calibration_of
from models_registry.gates.comparing import Comparison, SliceComparison, compare, compare_slices
from models_registry.gates.constraints import JudgedSlate, SlateTest, violations_of
from models_registry.gates.evaluation import CHAMPION, POPULARITY, Evaluation, Figures, Latency, Request, Slice, sliced
from models_registry.gates.judgment import GateCode, GateReason, GateResult, judge
from models_registry.gates.rule import CalibrationRule, GateMalformed, GateRule, SliceRule

__all__ = [
    "CHAMPION",
    "POPULARITY",
    "Calibration",
    "CalibrationRule",
    "Comparison",
    "Evaluation",
    "Figures",
    "GateCode",
    "GateMalformed",
    "GateReason",
    "GateResult",
    "GateRule",
    "JudgedSlate",
    "Latency",
    "Request",
    "SlateTest",
    "Slice",
    "SliceComparison",
    "SliceRule",
    "calibration_of",
    "compare",
    "compare_slices",
    "judge",
    "sliced",
    "violations_of",
]
