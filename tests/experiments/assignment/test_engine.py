import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from experiments.assignment.bucketing import Purpose, draw_slot, slot_prefix
from experiments.assignment.engine import assign
from experiments.assignment.snapshot import Assignment, Snapshot
from experiments.vocabulary import Reason
from tests.experiments.assignment.builders import AT, arms, compiled, experiment, holdout, layer, variant

EVERYONE = [[0, 1_000_000]]


def one(snapshot: Snapshot, unit: Any = "v-1", *, key: str = "experiment-1", **call: Any) -> Assignment:
    """Return the answer of one experiment asked by name."""
    call = {"attributes": {}, "at": AT, "sticky": None} | call
    units = call.pop("units", {"visitor": unit})
    (answer,) = assign(units, call.pop("attributes"), call.pop("at"), call.pop("sticky"), snapshot, keys=[key], **call)
    return answer


def all_of(snapshot: Snapshot, unit: Any = "v-1", **call: Any) -> dict[str, Assignment]:
    """Return the answers without naming experiments, by key."""
    call = {"attributes": {}, "at": AT, "sticky": None} | call
    units = call.pop("units", {"visitor": unit})
    answers = assign(units, call.pop("attributes"), call.pop("at"), call.pop("sticky"), snapshot, **call)
    return {answer.experiment_key: answer for answer in answers}


def only(arm: str, **changes: Any) -> dict[str, Any]:
    """Return an experiment that gives everybody one arm."""
    variants = [variant("control", []), variant("treatment", [])]
    variants[arm == "treatment"] = variant(arm, EVERYONE)
    return experiment(1, variants=variants, **changes)


def test_assign__split__reports_all_of_the_draw() -> None:
    snapshot = compiled(
        experiment(1, layer=1, layer_ranges=EVERYONE, coverage=999_999, epoch=3, variants=arms(0, 1_000_000)),
        layers=[layer(1)],
    )

    answer = one(snapshot)

    assert (answer.experiment_id, answer.experiment_key, answer.unit_kind) == (1, "experiment-1", "visitor")
    assert (answer.variant, answer.enrolled, answer.reason) == ("arm-1", True, Reason.SPLIT)
    assert (answer.epoch, answer.probability, dict(answer.parameters)) == (3, 1.0, {"arm": "arm-1"})
    assert None not in answer.slots


def test_assign__whole_coverage_and_no_layer__draws_the_variant_slot_alone() -> None:
    layer_slot, coverage_slot, variant_slot = one(compiled(only("treatment"))).slots

    assert (layer_slot, coverage_slot) == (None, None)
    assert variant_slot is not None


def test_assign__slot_at_an_edge__belongs_to_the_range_that_begins_there() -> None:
    shape = {"layer": 1, "layer_ranges": EVERYONE, "coverage": 999_999}
    slots = one(compiled(experiment(1, **shape), layers=[layer(1)])).slots
    layer_slot, coverage_slot, variant_slot = (slot or 0 for slot in slots)

    def reason(**changes: Any) -> tuple[str | None, Reason]:
        answers = [
            one(compiled(experiment(1, **shape | changes), layers=[layer(1)])),
            all_of(compiled(experiment(1, **shape | changes), layers=[layer(1)])).get("experiment-1"),
        ]
        found = {(answer.variant, answer.reason) for answer in answers if answer is not None}
        assert len(found) == 1
        return found.pop()

    assert reason(coverage=coverage_slot)[1] == Reason.COVERAGE
    assert reason(coverage=coverage_slot + 1)[1] == Reason.SPLIT
    assert reason(layer_ranges=[[layer_slot, layer_slot + 1]])[1] == Reason.SPLIT
    assert reason(layer_ranges=[[0, layer_slot], [layer_slot + 1, 1_000_000]])[1] == Reason.LAYER_TAKEN
    assert reason(variants=arms(variant_slot, 1_000_000 - variant_slot))[0] == "arm-1"
    assert reason(variants=arms(variant_slot + 1, 999_999 - variant_slot))[0] == "control"


def test_assign__holdout_slot_at_its_share__is_not_held_out() -> None:
    kept_out = draw_slot(slot_prefix("salt-of-holdout-1", Purpose.HOLDOUT), b"v-1")

    for share, expected in ((kept_out, Reason.SPLIT), (kept_out + 1, Reason.HOLDOUT)):
        snapshot = compiled(experiment(1, holdout=1), holdouts=[holdout(1, share=share)])
        assert one(snapshot).reason == expected
        assert all_of(snapshot)["experiment-1"].reason == expected


REFUSED: list[tuple[Reason, dict[str, Any], dict[str, Any]]] = [
    (Reason.NOT_RUNNING, {"status": "PAUSED"}, {}),
    (Reason.NOT_STARTED, {}, {"at": AT - timedelta(days=365)}),
    (Reason.UNIT_MISSING, {"unit_kind": "customer"}, {}),
    (Reason.UNIT_MISSING, {}, {"unit": ""}),
    (Reason.UNIT_MISSING, {}, {"unit": None}),
    (Reason.UNIT_INVALID, {}, {"unit": 42}),
    (Reason.UNIT_INVALID, {}, {"unit": 0}),
    (Reason.UNIT_INVALID, {}, {"unit": "\ud800"}),
    (Reason.UNIT_INVALID, {}, {"unit": "x" * 10_241}),
    (Reason.PERSONALISATION_OFF, {"personalised": True}, {"personalised": False}),
    (Reason.HOLDOUT, {"holdout": 1}, {}),
    (Reason.UNIT_MISSING, {"holdout": 2}, {}),
    (Reason.LAYER_TAKEN, {"layer": 1, "layer_ranges": []}, {}),
    (Reason.AUDIENCE, {"audience": {"attribute": "country", "op": "eq", "value": "DE"}}, {}),
    (Reason.COVERAGE, {"coverage": 0}, {}),
]


@pytest.mark.parametrize(("reason", "changes", "call"), REFUSED)
def test_assign__not_eligible__gets_the_control_unenrolled_with_the_reason(
    reason: Reason, changes: dict[str, Any], call: dict[str, Any]
) -> None:
    snapshot = compiled(
        only("treatment", **changes),
        layers=[layer(1)],
        holdouts=[holdout(1, share=1_000_000), holdout(2, share=0, unit_kind="customer")],
    )

    answer = one(snapshot, **call)

    assert (answer.reason, answer.variant, answer.enrolled) == (reason, "control", False)
    assert dict(answer.parameters) == {"arm": "control"}
    assert answer.probability == 0.0


def test_assign__personalisation_off__leaves_other_experiments_alone() -> None:
    assert one(compiled(only("treatment")), personalised=False).variant == "treatment"


@pytest.mark.parametrize("state", ["CLOSED", "EMPTY"])
def test_assign__arm_that_is_not_open__takes_no_new_unit(state: str) -> None:
    snapshot = compiled(experiment(1, variants=[variant("control", []), variant("treatment", EVERYONE, state=state)]))

    answer = one(snapshot)

    assert (answer.variant, answer.enrolled, answer.reason) == ("control", False, Reason.ARM_CLOSED)


def test_assign__sticky_unit__keeps_its_variant_in_a_closed_arm_and_outside_coverage() -> None:
    variants = [variant("control", EVERYONE), variant("treatment", [], state="CLOSED")]
    snapshot = compiled(experiment(1, coverage=0, variants=variants))

    answer = one(snapshot, sticky={1: "treatment"})

    assert (answer.variant, answer.enrolled, answer.reason) == ("treatment", True, Reason.STICKY)
    assert all_of(snapshot, sticky={1: "treatment"})["experiment-1"].reason == Reason.STICKY


def test_assign__sticky_to_an_emptied_or_unknown_arm__is_not_kept() -> None:
    variants = [variant("control", EVERYONE), variant("treatment", [], state="EMPTY")]
    snapshot = compiled(experiment(1, variants=variants))

    assert one(snapshot, sticky={1: "treatment"}).reason == Reason.ARM_CLOSED
    assert one(snapshot, sticky={1: "forgotten"}).reason == Reason.SPLIT
    assert one(snapshot, sticky={2: "treatment"}).reason == Reason.SPLIT


@pytest.mark.parametrize(
    "changes",
    [{"holdout": 1}, {"layer": 1}, {"status": "PAUSED"}, {"audience": {"attribute": "a", "op": "eq", "value": 1}}],
)
def test_assign__sticky_unit_that_holdout_layer_pause_or_audience_refuses__is_refused(changes: dict[str, Any]) -> None:
    snapshot = compiled(only("treatment", **changes), layers=[layer(1)], holdouts=[holdout(1, share=1_000_000)])

    answer = one(snapshot, sticky={1: "treatment"})

    assert not answer.enrolled
    assert answer.variant == "control"


@pytest.mark.parametrize(
    "changes",
    [{}, {"holdout": 1}, {"layer": 1}, {"coverage": 0}, {"audience": {"attribute": "a", "op": "eq", "value": 1}}],
)
def test_assign__override__wins_over_everything_but_never_enrols(changes: dict[str, Any]) -> None:
    snapshot = compiled(
        only("control", overrides={"v-1": "treatment"}, **changes),
        experiment(2),
        layers=[layer(1)],
        holdouts=[holdout(1, share=1_000_000)],
    )

    for answer in (one(snapshot), all_of(snapshot)["experiment-1"]):
        assert (answer.variant, answer.enrolled, answer.reason) == ("treatment", False, Reason.OVERRIDE)
        assert dict(answer.parameters) == {"arm": "treatment"}
    assert all_of(snapshot)["experiment-2"].reason == Reason.SPLIT
    assert one(snapshot, "v-2").reason != Reason.OVERRIDE


def test_assign__override_of_a_paused_experiment__stays_paused() -> None:
    snapshot = compiled(only("control", overrides={"v-1": "treatment"}, status="PAUSED"))

    assert one(snapshot).reason == Reason.NOT_RUNNING
    assert all_of(snapshot)["experiment-1"].reason == Reason.NOT_RUNNING


def test_assign__keys__answers_each_in_order_and_unknown_ones_too() -> None:
    snapshot = compiled(experiment(1), experiment(2))

    answers = assign({"visitor": "v"}, {}, AT, None, snapshot, keys=["experiment-2", "gone", "experiment-1"])

    assert [answer.experiment_key for answer in answers] == ["experiment-2", "gone", "experiment-1"]
    assert (answers[1].reason, answers[1].variant, answers[1].enrolled) == (Reason.UNKNOWN_EXPERIMENT, None, False)
    assert assign({"visitor": "v"}, {}, AT, None, snapshot, keys=[]) == ()


def test_assign__without_keys__leaves_out_other_layers_and_audiences_only() -> None:
    def for_country(country: str) -> dict[str, Any]:
        return {"attribute": "country", "op": "eq", "value": country}

    snapshot = compiled(
        experiment(1, layer=1, layer_ranges=[]),
        experiment(2, audience=for_country("DE")),
        experiment(3, audience=for_country("AT")),
        experiment(4, coverage=0),
        experiment(5, status="PAUSED"),
        experiment(6, unit_kind="customer"),
        experiment(7, layer=2, layer_ranges=EVERYONE, audience={"not": for_country("DE")}),
        experiment(8, audience={"attribute": "orders", "op": "gt", "value": 1}),
        layers=[layer(1), layer(2)],
    )

    answers = all_of(snapshot, attributes={"country": "DE", "orders": 2})

    assert {key: answer.reason for key, answer in answers.items()} == {
        "experiment-2": Reason.SPLIT,
        "experiment-4": Reason.COVERAGE,
        "experiment-5": Reason.NOT_RUNNING,
        "experiment-6": Reason.UNIT_MISSING,
        "experiment-8": Reason.SPLIT,
    }


def test_assign__each_unit_kind__draws_with_its_own_id() -> None:
    snapshot = compiled(experiment(1), experiment(2, unit_kind="store", salt="salt-of-experiment-1"))

    answers = all_of(snapshot, units={"visitor": "same", "store": "same", "galaxy": "x"})

    assert answers["experiment-1"].slots == answers["experiment-2"].slots
    assert (answers["experiment-1"].unit_kind, answers["experiment-2"].unit_kind) == ("visitor", "store")


class _Hostile(dict[str, Any]):
    def get(self, name: str, default: Any = None) -> Any:
        if name == "country":
            raise RuntimeError("attributes from a broken adapter")
        return super().get(name, default)


def test_assign__fault_in_one_experiment__gives_its_control_and_leaves_the_others() -> None:
    broken = only("treatment", audience={"attribute": "country", "op": "eq", "value": "DE"})
    snapshot = compiled(broken, experiment(2, variants=arms(0, 1_000_000)), holdouts=[holdout(1, share=1)])

    for answers in (
        all_of(snapshot, attributes=_Hostile()),
        {key: one(snapshot, key=key, attributes=_Hostile()) for key in snapshot.experiments},
    ):
        assert (answers["experiment-1"].reason, answers["experiment-1"].variant) == (Reason.ENGINE_ERROR, "control")
        assert not answers["experiment-1"].enrolled
        assert answers["experiment-2"].variant == "arm-1"


@pytest.mark.parametrize(
    ("units", "attributes", "at", "keys"),
    [
        (None, {}, AT, None),
        ({"visitor": "v"}, None, AT, None),
        ({"visitor": "v"}, {}, None, None),
        ({"visitor": "v"}, {}, AT.replace(tzinfo=None), None),
        ({"visitor": {"a": 1}}, {}, AT, ["experiment-1"]),
        ({"visitor": "v"}, {}, AT, [["experiment-1"], None, 5]),
    ],
)
def test_assign__nonsense__never_raises_and_never_enrols(units: Any, attributes: Any, at: Any, keys: Any) -> None:
    snapshot = compiled(only("treatment", audience={"attribute": "a", "op": "ne", "value": 1}))

    for answer in assign(units, attributes, at, None, snapshot, keys=keys):
        assert not answer.enrolled
        assert answer.variant in ("control", None)


def test_engine__once_imported__has_loaded_nothing_slow() -> None:
    script = (
        "import sys, experiments.assignment.engine, experiments.assignment.compiler;"
        "print(sorted({'django', 'numpy', 'pandas', 'scipy', 'redis', 'psycopg'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
