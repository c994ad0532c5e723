"""Every code that can reach a page has words, and every sentence finds its values."""

import pytest

from experiments.analysis import wording as grammar
from experiments.analysis.plan import Multiplicity, SequentialMethod
from experiments.analysis.scorecard import Estimator, Exclusions, UndefinedReason
from experiments.analysis.verdict import ReasonCode
from experiments.lifecycle import Transition
from experiments.models import Experiment
from experiments.reports import wording
from experiments.reports.names import names_of
from experiments.reports.nextsteps import next_step
from experiments.reports.sentences import sentence_of
from experiments.vocabulary import ArmState, MetricRole, Source, Status, UnitKind, VerdictState
from tests.experiments.reports import material

PARAMS: dict[str, float | int | str | None] = {
    "metric": "conversion",
    "variant": "treatment",
    "reference": "control",
    "other": "control",
    "difference": 0.006,
    "lower": 0.0002,
    "upper": 0.0118,
    "lift": 0.06,
    "p": 0.003,
    "scale": "pp",
    "margin": 0.05,
    "saving": "40 000 USD a month",
    "check": "SAMPLE_RATIO",
    "why": "ZERO_CONTROL",
    "days": 3.5,
    "minimum": 7,
    "units": 80,
    "alpha": 0.005,
    "chance": 0.05,
}


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        (wording.VERDICTS, VerdictState),
        (wording.STATUSES, Status),
        (wording.SOURCES, Source),
        (wording.UNITS, UnitKind),
        (wording.CONCLUSIONS, Experiment.Conclusion.values),
        (wording.ROLES, MetricRole),
        (wording.ESTIMATORS, Estimator),
        (wording.INTERVALS, SequentialMethod),
        (wording.METHODS, SequentialMethod),
        (wording.CORRECTIONS, Multiplicity),
        (wording.EXCLUSIONS, Exclusions.__slots__),
        (wording.ARM_STATES, ArmState),
        (grammar.REASONS, ReasonCode),
        (grammar.UNDEFINED, UndefinedReason),
    ],
)
def test_table__has_words_for_every_code_and_no_other(table: dict[object, object], codes: object) -> None:
    assert set(table) == set(codes)  # type: ignore[call-overload]


@pytest.mark.parametrize("transition", list(Transition))
def test_journal__every_step_of_the_lifecycle__has_words(transition: Transition) -> None:
    assert f"experiment.{transition}" in wording.ACTIONS


@pytest.mark.parametrize("code", list(ReasonCode))
def test_sentence__every_reason__is_filled_with_names_and_written_numbers(code: ReasonCode) -> None:
    readout = material.readout(None)
    sentence = sentence_of(
        material.reason(code, **PARAMS), names=names_of(readout), plan=material.plan(), currency="USD"
    )
    assert "%" not in sentence.replace("0%", "").replace("5%", "")
    assert "(unknown)" not in sentence
    assert "treatment" not in sentence
    assert "SAMPLE_RATIO" not in sentence
    assert sentence.endswith(".")


def test_sentence__superior__is_the_one_people_read() -> None:
    sentence = sentence_of(
        material.SUPERIOR, names=names_of(material.readout(None)), plan=material.plan(), currency="USD"
    )
    assert sentence == ("“Free from 39” is better than “Fee as today” on Conversion: +0.60 pp (+0.02 pp to +1.18 pp).")


def test_sentence__interval_without_an_end__says_so() -> None:
    reason = material.reason(ReasonCode.NOT_SUPERIOR, **{**PARAMS, "upper": None})
    sentence = sentence_of(reason, names=names_of(material.readout(None)), plan=material.plan(), currency="USD")
    assert sentence.endswith("(+0.020 pp to no end).")


def test_sentence__value_that_an_older_verdict_did_not_have__is_said_to_be_unknown() -> None:
    reason = material.reason(ReasonCode.SUPERIOR, variant="treatment")
    sentence = sentence_of(reason, names=names_of(material.readout(None)), plan=material.plan(), currency="USD")
    assert "(unknown)" in sentence


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("source", list(Source))
@pytest.mark.parametrize("state", [None, *VerdictState])
def test_next_step__every_state__says_what_to_do(status: Status, source: Source, state: VerdictState | None) -> None:
    step = str(next_step(status=status, source=source, state=state, winner="Free from 39"))
    assert step.endswith(".")
    assert "%" not in step
    if state is VerdictState.SHIP and status is not Status.CONCLUDED:
        assert "“Free from 39”" in step


def test_next_step__going_on_is_hardly_worth_it__lets_a_person_stop() -> None:
    def step(status: Status, state: VerdictState) -> str:
        return str(next_step(status=status, source=Source.OWN, state=state, winner=None, hopeless=True))

    assert step(Status.RUNNING, VerdictState.CONTINUE).startswith("You may stop it now and keep the control")
    assert "may stop" not in step(Status.STOPPED, VerdictState.CONTINUE)
    assert "may stop" not in step(Status.RUNNING, VerdictState.SHIP)


@pytest.mark.parametrize(("chance", "text"), [(0.0421, "4%"), (0.004, "below 1%"), (0.0, "below 1%"), (0.29, "29%")])
def test_sentence__futile__says_the_chance_that_is_left(chance: float, text: str) -> None:
    reason = material.reason(ReasonCode.FUTILE, **{**PARAMS, "chance": chance})
    said = sentence_of(reason, names=names_of(material.readout(None)), plan=material.plan(), currency="USD")
    assert said.endswith(f"the chance to show it by the end is {text}.")


@pytest.mark.parametrize("status", [Status.RUNNING, Status.PAUSED, Status.STOPPED])
def test_next_step__invalid__never_lets_the_figures_decide(status: Status) -> None:
    step = str(next_step(status=status, source=Source.OWN, state=VerdictState.INVALID, winner=None))
    assert step.startswith("Do not decide by these figures.")
