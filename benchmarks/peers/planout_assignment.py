"""PlanOut: one experiment class for each experiment, with the audience in its script; nothing is logged."""

import collections
import collections.abc
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks.peers.assigning import Assign, Attributes, run


def contestant(experiments: int) -> Assign:
    """Return what asks each experiment for its parameter."""
    # It asks for names that Python 3.10 took away; with them it runs as it always did.
    for name in ("Mapping", "MutableMapping", "Sequence", "Iterable", "Callable"):
        setattr(collections, name, getattr(collections.abc, name))
    experiment = import_module("planout.experiment").SimpleExperiment
    choice = import_module("planout.ops.random").UniformChoice

    def script(_self: Any, params: Any, unit: str, country: str, orders: int) -> bool:
        if country != "DE" or orders < 1:
            return False
        params.arm = choice(choices=["control", "treatment"], unit=unit)
        return True

    classes = [type(f"Experiment{number}", (experiment,), {"assign": script}) for number in range(experiments)]

    def assign(unit: str, attributes: Attributes) -> Sequence[str]:
        found = []
        for each in classes:
            asked = each(unit=unit, **attributes)
            asked.set_auto_exposure_logging(False)
            found.append(asked.get("arm", "control"))
        return found

    return assign


if __name__ == "__main__":
    run(contestant)
