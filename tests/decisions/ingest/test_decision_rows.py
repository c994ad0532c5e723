import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from decisions.ingest.decision_rows import Occasion, decision_row
from decisions.ingest.rows import EventRow
from decisions.vocabulary import MessageKind
from tests.decisions.published import ab_point, point, policy
from tests.decisions.serving.shops import AWAY, RANKED, TREATED, bundle_of, decided
from tests.experiments.assignment.builders import AT

UNITS = {"visitor": "v" * 22, "store": "s-1"}


def row_of(decision: Any, **changes: Any) -> EventRow:
    parts: dict[str, Any] = {
        "project_id": 1,
        "bundle_version": 8,
        "decision_id": "d-1",
        "at": AT,
        "units": UNITS,
        "personalised": True,
        "exposed": False,
        "degraded": None,
        "microseconds": 1_500,
    }
    return decision_row(decision, Occasion(**parts | changes))


def test_decision_row__fallback__names_the_version_that_was_meant_and_the_reason() -> None:
    row = row_of(decided(bundle_of(TREATED, at=ab_point(RANKED)), features=AWAY), degraded="BUNDLE_STALE")

    said = json.loads(row.properties)
    assert (said["version"], said["policy"], said["reason"]) == (12, "baseline", "FEATURES_UNAVAILABLE")
    assert (said["experiment"], said["variant"], said["enrolled"]) == ("experiment-1", "arm-1", True)
    assert (said["degraded"], said["microseconds"], said["exposed"]) == ("BUNDLE_STALE", 1_500, False)
    assert (row.visitor, row.customer, row.store, row.enrolments) == ("v" * 22, None, "s-1", None)


def test_decision_row__its_kind__is_none_that_a_client_may_send() -> None:
    row = row_of(decided(bundle_of(at=point())))

    assert row.kind == "decision"
    assert row.kind not in {kind.value for kind in MessageKind}
    assert (row.message_id, row.event) == ("d-1", None)


def test_decision_row__no_experiment__says_so_and_names_the_unit_it_was_made_for() -> None:
    said = json.loads(row_of(decided(bundle_of(at=point()))).properties)

    assert [said[name] for name in ("experiment", "variant", "epoch", "assignment_reason", "version")] == [None] * 5
    assert (said["enrolled"], said["unit_kind"]) == (False, "visitor")


def test_decision_row__exposed__carries_the_enrolment() -> None:
    decision = decided(bundle_of(TREATED, at=ab_point(RANKED)))

    row = row_of(decision, exposed=True)

    assert decision.assignment is not None
    assert row.enrolments is not None
    assert json.loads(row.enrolments) == [
        {
            "experiment": 1,
            "variant": "arm-1",
            "epoch": 1,
            "probability": 1.0,
            "slots": list(decision.assignment.slots),
            "unit": "v" * 22,
            "unit_kind": "visitor",
            "verification": "DECIDED",
            "reason": None,
        }
    ]


def test_decision_row__filled_up_slate__has_no_score_where_the_baseline_chose() -> None:
    decision = decided(bundle_of(TREATED, at=ab_point(policy("fixed", actions=["item-20"]), slate_size=2)))

    assert json.loads(row_of(decision).properties)["actions"] == [["item-20", 1.0, 0.0], ["item-00", 1.0, None]]


def test_decision_row__moment_in_another_zone__lies_on_its_utc_day() -> None:
    late = datetime(2026, 6, 1, 23, 30, tzinfo=timezone(timedelta(hours=-2)))

    row = row_of(decided(bundle_of(at=point())), at=late)

    assert (row.day, row.occurred_at) == (date(2026, 6, 2), late.astimezone(UTC))


def test_decision_row__exposed__keeps_the_attributes_that_the_project_allows() -> None:
    decision = decided(bundle_of(TREATED, at=ab_point(RANKED)))
    known = {"country": "CN", "age": 31, "evil": "a\0b"}

    exposed = json.loads(row_of(decision, exposed=True, attributes=known).properties)
    asked = json.loads(row_of(decision, attributes=known).properties)

    assert exposed["attributes"] == {"country": "CN", "age": 31}
    assert "attributes" not in asked
