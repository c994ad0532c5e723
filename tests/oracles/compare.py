"""Compare an answer with an oracle case, key by key, within the case's tolerance."""

import math
from typing import Any

Case = dict[str, Any]

_WORDS = {"Infinity": math.inf, "-Infinity": -math.inf}


def tolerance(case: Case, key: str) -> dict[str, float]:
    """Return the tolerance of one key."""
    given: dict[str, dict[str, float]] = case["tolerance"]
    return given.get(key, given["default"])


def close(got: Any, expected: Any, limits: dict[str, float]) -> bool:
    """Return whether a value, or every element of a list, is within the limits."""
    if isinstance(expected, list):
        return len(got) == len(expected) and all(close(g, e, limits) for g, e in zip(got, expected, strict=True))
    if isinstance(expected, dict):
        return all(close(got[name], value, limits) for name, value in expected.items())
    wanted = _WORDS.get(expected, expected) if isinstance(expected, str) else expected
    if wanted is None or isinstance(wanted, (bool, str)):
        return bool(got == wanted)
    skip = limits.get("skip_if_ge")
    if skip is not None and wanted >= skip:
        return True
    if math.isinf(wanted) or got is None:
        return bool(got == wanted)
    return bool(abs(got - wanted) <= max(limits.get("rel", 0.0) * abs(wanted), limits.get("abs", 0.0)))


def differences(case: Case, answer: dict[str, Any], *, keys: set[str] | None = None) -> list[str]:
    """Return one line for each expected key that the answer misses; `keys` limits what is binding."""
    lines = []
    for key, expected in case["expected"].items():
        if keys is not None and key not in keys:
            continue
        if key not in answer:
            lines.append(f"{key}: no answer")
        elif not close(answer[key], expected, tolerance(case, key)):
            lines.append(f"{key}: got {answer[key]!r}, expected {expected!r} within {tolerance(case, key)}")
    return lines
