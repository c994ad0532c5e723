import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from decisions.ingest.decision_rows import Occasion, decision_row
from decisions.ingest.rows import EventRow
from decisions.serving.known import Features
from decisions.vocabulary import FeatureState, MessageKind
from tests.decisions.published import ab_point, point, policy
from tests.decisions.serving.shops import AWAY, EMPTY, RANKED, TREATED, bundle_of, decided
from tests.decisions.serving.test_decide_learned import Noting, learning, marks
from tests.decisions.serving.test_scene import with_hooks
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
        "displayed": False,
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

    exposed = json.loads(row_of(decision, displayed=True, exposed=True, attributes=known).properties)
    asked = json.loads(row_of(decision, attributes=known).properties)

    assert exposed["attributes"] == {"country": "CN", "age": 31}
    assert "attributes" not in asked


def test_decision_row__what_was_known__is_kept_as_far_as_it_explains_the_decision() -> None:
    known = Features(FeatureState.AVAILABLE, tuple(f"old-{n}" for n in range(30)), ("item-29",), {"item-28": 2, "x": 9})
    bundle = with_hooks(bundle_of(TREATED, at=ab_point(RANKED)), {"slot": "Where.", "texts": "Several."})
    context = {"exclude": ["item-27"], "recent_items": ["item-11"], "slot": "top", "texts": ["a", "b\0c"]}

    said = json.loads(row_of(decided(bundle, features=known, context=context)).properties)

    assert said["removed"] == {"already_bought": 1, "out_of_stock": 1, "excluded": 1}
    assert said["history_items"] == ["item-11", *(f"old-{n}" for n in range(19))]
    assert said["shown"] == {"item-28": 2}
    assert said["context"] == {"slot": "top"}
    assert {"learner", "state", "holdback", "features"} & said.keys() == set()


def test_decision_row__baseline_without_a_model__keeps_no_history() -> None:
    said = json.loads(row_of(decided(bundle_of(at=point()))).properties)

    assert {"history_items", "shown", "context"} & said.keys() == set()
    assert said["history"] == 2


def test_decision_row__learner__carries_what_it_is_to_learn_from() -> None:
    noting = Noting()
    bundle = learning(TREATED, drawn_by=noting, kind="linear", hooks={"action_features": marks})

    learnt = json.loads(row_of(decided(bundle, size=2)).properties)
    away = json.loads(row_of(decided(bundle, features=AWAY)).properties)
    held = json.loads(row_of(decided(learning(TREATED, holdback=1.0))).properties)

    assert (learnt["policy"], learnt["reason"]) == ("learned", "LEARNED")
    assert (learnt["learner"], learnt["state"], learnt["holdback"]) == (5, 3, False)
    assert learnt["features"] == [[0.0, -1.0], [1.0, -1.0]]
    assert (away["learner"], away["state"], away["holdback"], away["reason"]) == (
        5,
        None,
        False,
        "FEATURES_UNAVAILABLE",
    )
    assert (held["learner"], held["state"], held["holdback"], held["reason"]) == (5, None, True, "HOLDBACK")
    assert "features" not in away


def test_decision_row__learner_without_its_model_s_scores__says_why() -> None:
    bundle = learning(TREATED, at=ab_point(policy("learned", learner=5, version=12)))

    with_scores = json.loads(row_of(decided(bundle)).properties)
    without = json.loads(row_of(decided(bundle, features=EMPTY)).properties)

    assert (with_scores["reason"], without["reason"]) == ("LEARNED", "LEARNED")
    assert "unscored" not in with_scores
    assert without["unscored"] == "HISTORY_EMPTY"
