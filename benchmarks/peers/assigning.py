"""What every contestant in assignment does the same way: read the question, time its answers, print JSON.

The question: which variant does a shopper get in each of so many running experiments, half and half, for shoppers with
`country` DE and at least one of `orders`? Every shopper of the question is one.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

REPEATS = 7
Attributes = Mapping[str, Any]
Assign = Callable[[str, Attributes], Sequence[str]]
"""The variants of one shopper, in the order of the experiments: "control" or "treatment"."""


def run(contestant: Callable[[int], Assign]) -> None:
    """Read the question from standard input and print microseconds of processor time for each shopper."""
    question = json.load(sys.stdin)
    assign = contestant(question["experiments"])
    units, attributes = question["units"], question["attributes"]

    def all_units() -> list[Sequence[str]]:
        return [assign(unit, attributes) for unit in units]

    report(all_units(), measured(all_units, len(units)))


def report(answers: Sequence[Sequence[str]], microseconds: float) -> None:
    """Print the time, and the share of treatments: whoever assigns half and half has one near a half."""
    drawn = [variant for answer in answers for variant in answer]
    share = sum(variant == "treatment" for variant in drawn) / len(drawn)
    print(json.dumps({"microseconds": microseconds, "treated": round(share, 3), "answers": len(drawn)}))


def measured(all_units: Callable[[], object], units: int) -> float:
    """Return the median over passes of the mean microseconds of a shopper."""
    means = []
    for _ in range(REPEATS):
        started = time.process_time()
        all_units()
        means.append((time.process_time() - started) / units * 1e6)
    return round(statistics.median(means), 2)
