"""Promise A3: whatever happens to an experiment, no unit that met a variant is ever drawn into another one."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from experiments.allocation import SLOTS, Allocation, Ranges, first_ranges, moved_ranges, must_remember
from experiments.assignment.engine import assign
from experiments.assignment.reading import BundleInvalid
from experiments.assignment.snapshot import Snapshot
from experiments.vocabulary import Reason
from tests.experiments.assignment.builders import AT, arms, compiled, experiment

UNITS = [f"unit-{number}" for number in range(120)]
KEYS = ("control", "arm-1", "arm-2")
WEIGHTS = st.sampled_from([(500_000, 500_000, 0), (900_000, 100_000, 0), (200_000, 300_000, 500_000), (0, 0, SLOTS)])


class ExperimentLife(RuleBasedStateMachine):
    """An experiment whose allocation changes, and the memory that the store has of its units."""

    def __init__(self) -> None:
        super().__init__()
        self.ranges: dict[str, Ranges] = {}
        self.states = dict.fromkeys(KEYS, "OPEN")
        self.coverage = SLOTS
        self.status = "RUNNING"
        self.country = "DE"
        self.epochs: list[Allocation] = []
        self.met: dict[str, str] = {}

    @initialize(weights=WEIGHTS, coverage=st.sampled_from([100_000, 500_000, SLOTS]))
    def launch(self, weights: tuple[int, ...], coverage: int) -> None:
        self.ranges = first_ranges(dict(zip(KEYS, weights, strict=True)))
        self.coverage = coverage
        self.open_epoch()

    def open_epoch(self) -> None:
        drawn = {key: ranges for key, ranges in self.ranges.items() if self.states[key] == "OPEN"}
        self.epochs.append(Allocation(self.coverage, drawn))

    def snapshot(self) -> Snapshot:
        variants = [
            {
                "key": key,
                "control": key == "control",
                "state": self.states[key],
                "weight": sum(end - start for start, end in self.ranges[key]),
                "ranges": [list(pair) for pair in self.ranges[key]],
                "parameters": {},
            }
            for key in KEYS
        ]
        audience = {"attribute": "country", "op": "eq", "value": "DE"}
        more = {"sticky": True} if must_remember(self.epochs) else {}
        parts: dict[str, Any] = {"status": self.status, "coverage": self.coverage, "audience": audience}
        return compiled(experiment(1, variants=variants, **parts, **more))

    def answers(self, unit: str) -> Any:
        sticky = {1: self.met.get(unit, "")}
        bundle = self.snapshot()
        sticky_now = sticky if bundle.experiments["experiment-1"].is_sticky else None
        attributes = {"country": self.country}
        (named,) = assign({"visitor": unit}, attributes, AT, sticky_now, bundle, keys=["experiment-1"])
        listed = assign({"visitor": unit}, attributes, AT, sticky_now, bundle)
        assert all(answer == named or answer.variant == named.variant for answer in listed)
        return named

    @rule(coverage=st.sampled_from([0, 100_000, 400_000, SLOTS]))
    def ramp(self, coverage: int) -> None:
        self.coverage = coverage
        self.open_epoch()

    @rule(weights=WEIGHTS)
    def change_weights(self, weights: tuple[int, ...]) -> None:
        self.ranges = moved_ranges(self.ranges, dict(zip(KEYS, weights, strict=True)))
        self.open_epoch()

    @rule(key=st.sampled_from(KEYS), state=st.sampled_from(["OPEN", "CLOSED", "EMPTY"]))
    def change_state(self, key: str, state: str) -> None:
        self.states[key] = state
        self.open_epoch()

    @rule(status=st.sampled_from(["RUNNING", "PAUSED"]))
    def pause_or_resume(self, status: str) -> None:
        self.status = status

    @rule(country=st.sampled_from(["DE", "FR"]))
    def change_target(self, country: str) -> None:
        self.country = country

    @rule(start=st.integers(0, 100), count=st.integers(1, 60))
    def expose(self, start: int, count: int) -> None:
        for unit in UNITS[start : start + count]:
            given = self.answers(unit)
            if given.enrolled:
                self.met.setdefault(unit, given.variant)

    @invariant()
    def nobody_moves(self) -> None:
        for unit in list(self.met)[:40]:
            given = self.answers(unit)
            assert not given.enrolled or given.variant == self.met[unit]


TestExperimentLife = ExperimentLife.TestCase
TestExperimentLife.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


@pytest.mark.parametrize("known", [None, {1: None}])
def test_assign__sticky_and_nothing_known__gives_the_control_unenrolled(known: Any) -> None:
    bundle = compiled(experiment(1, variants=arms(0, SLOTS), sticky=True), experiment(2))

    found = {answer.experiment_key: answer for answer in assign({"visitor": "v"}, {}, AT, known, bundle)}

    assert found["experiment-1"].reason is Reason.STICKY_UNAVAILABLE
    assert (found["experiment-1"].variant, found["experiment-1"].enrolled) == ("control", False)
    assert found["experiment-2"].enrolled, "others go on"


def test_assign__sticky_and_known__keeps_what_was_met_or_draws() -> None:
    bundle = compiled(experiment(1, variants=arms(0, SLOTS), sticky=True))

    (kept,) = assign({"visitor": "v"}, {}, AT, {1: "control"}, bundle)
    (drawn,) = assign({"visitor": "v"}, {}, AT, {1: ""}, bundle)
    (other,) = assign({"visitor": "v"}, {}, AT, {}, bundle)

    assert (kept.variant, kept.enrolled, kept.reason) == ("control", True, Reason.STICKY)
    assert (drawn.variant, drawn.reason) == ("arm-1", Reason.SPLIT)
    assert other == drawn


def test_compile__sticky_that_is_no_truth_value__is_refused() -> None:
    with pytest.raises(BundleInvalid, match=r"experiments\[0\].sticky"):
        compiled(experiment(1, sticky="yes"))


def test_compile__paused_and_sticky__asks_no_store() -> None:
    assert compiled(experiment(1, sticky=True, status="PAUSED")).sticky == {}
    assert [e.id for e in compiled(experiment(1, sticky=True)).sticky["visitor"]] == [1]
