"""The document: deterministic, complete, and plain about what is missed."""

from experiments.calibration.figures import share
from experiments.calibration.records import Effort, Scale, SettingOutcome, State, StudyOutcome, Target
from experiments.calibration.report import counts, document, range_text
from experiments.calibration.running import Order


def outcomes():
    results = (
        share("claims", 40, 1_000, Target(high=0.05)),
        share("tail", 100, 1_000, Target(0.02, 0.03)),
        share("peeking", 270, 1_000),
    )
    setting = SettingOutcome("28 looks", 1_000, results, "The tail is heavy.")
    skipped = StudyOutcome("real-logs", "Real logs", "Needs logs.", (), "There are none.")
    return (StudyOutcome("many-looks", "Many looks", "No effect.", (setting,)), skipped)


def test_document__twice__is_the_same_page():
    order = Order(effort=Effort.FULL)
    assert document(outcomes(), order) == document(outcomes(), order)


def test_document__a_missed_target__is_listed_with_its_reason():
    page = document(outcomes(), Order(effort=Effort.FULL))
    assert "**2 results have a target: 1 meet it, 0 meet it within noise, 1 miss it.**" in page
    assert "- *Many looks.* 28 looks: tail 10.00% (target 2.00% to 3.00%). The tail is heavy." in page
    assert "| 28 looks | 1,000 | claims | 4.00% |" in page
    assert "Skipped: There are none." in page
    assert "bin/manage calibrate --full --seed 20260105" in page


def test_counts__by_state__add_up():
    found = counts(outcomes())
    assert (found[State.MET], found[State.MISSED], found[State.SHOWN]) == (1, 1, 1)


def test_range_text__open_and_closed__reads_as_a_sentence():
    assert range_text(Target(high=0.053), Scale.SHARE) == "at most 5.30%"
    assert range_text(Target(low=0.94), Scale.SHARE) == "at least 94.00%"
    assert range_text(Target(-0.1, 0.1), Scale.NUMBER) == "-0.100 to 0.100"
