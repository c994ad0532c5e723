"""Flags of a bundle: what compiles, what is refused, and which experiment decides."""

import json
from typing import Any

import pytest

from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.engine import assign
from experiments.assignment.flags import (
    LARGEST_INTEGER,
    contenders,
    deciding,
    render_value,
    serves_variant,
    value_fault,
    value_of,
)
from experiments.assignment.reading import BundleInvalid
from experiments.assignment.snapshot import Assignment, Flag, Snapshot
from experiments.vocabulary import FlagKind, Reason
from tests.experiments.assignment.builders import AT, content, experiment, layer
from tests.experiments.assignment.flag_builders import flag, setting


def snapshot_of(*experiments: Any, flags: Any, layers: Any = ()) -> Snapshot:
    return compile_snapshot(content(*experiments, layers=layers) | {"flags": list(flags)})


def decided(snapshot: Snapshot, key: str, units: dict[str, str], **attributes: object) -> Assignment | None:
    found: Flag = snapshot.flags[key]
    return deciding(assign(units, attributes, AT, None, snapshot, keys=contenders(found, units)))


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (FlagKind.BOOLEAN, True, "true"),
        (FlagKind.STRING, "", '""'),
        (FlagKind.STRING, "满减 “now”", '"满减 “now”"'),
        (FlagKind.INTEGER, -5, "-5"),
        (FlagKind.INTEGER, LARGEST_INTEGER, str(2**53 - 1)),
        (FlagKind.FLOAT, 20, "20.0"),
        (FlagKind.FLOAT, 19.9, "19.9"),
        (FlagKind.FLOAT, -0.0, "-0.0"),
        (FlagKind.FLOAT, 1e22, "1.0e+22"),
        (FlagKind.FLOAT, 1e-7, "1.0e-07"),
        (FlagKind.FLOAT, 10**22, "1.0e+22"),
        (FlagKind.OBJECT, {}, "{}"),
        (FlagKind.OBJECT, {"price": 20, "tags": ["a", None]}, '{"price":20,"tags":["a",null]}'),
    ],
)
def test_value__of_its_type__is_rendered_as_that_type(kind: FlagKind, value: object, text: str) -> None:
    assert value_fault(kind, value) is None
    assert render_value(kind, value) == text
    assert json.loads(text) == value
    assert (type(json.loads(text)) is float) == (kind is FlagKind.FLOAT)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FlagKind.BOOLEAN, 1),
        (FlagKind.BOOLEAN, "true"),
        (FlagKind.BOOLEAN, None),
        (FlagKind.STRING, 5),
        (FlagKind.STRING, "\ud800"),
        (FlagKind.INTEGER, True),
        (FlagKind.INTEGER, 5.0),
        (FlagKind.INTEGER, 2**53),
        (FlagKind.FLOAT, False),
        (FlagKind.FLOAT, "20"),
        (FlagKind.FLOAT, float("nan")),
        (FlagKind.FLOAT, float("inf")),
        (FlagKind.FLOAT, 10**400),
        pytest.param(FlagKind.FLOAT, 10**5000, id="FLOAT-five thousand digits"),
        (FlagKind.OBJECT, []),
        (FlagKind.OBJECT, "{}"),
        (FlagKind.OBJECT, {"a": float("nan")}),
        (FlagKind.OBJECT, {"a": "\udfff"}),
    ],
)
def test_value__of_another_type__has_a_fault_that_says_what_it_must_be(kind: FlagKind, value: object) -> None:
    fault = value_fault(kind, value)
    assert fault is not None
    assert fault.startswith("must be ")


def test_compile__bundle_without_flags__has_none() -> None:
    assert compile_snapshot(content(experiment(1))).flags == {}


def test_compile__flag_of_a_layer__is_set_by_the_experiments_there_that_name_it() -> None:
    snapshot = snapshot_of(
        setting(1, {}, {"banner": True}, layer=1, layer_ranges=[[0, 400_000]]),
        setting(2, {"banner": False}, {"banner": True}, layer=1, layer_ranges=[[400_000, 700_000]], status="PAUSED"),
        setting(3, {}, {"other": 5}, layer=1, layer_ranges=[[700_000, 1_000_000]]),
        setting(4, {}, {"banner": True}),
        flags=[flag("banner", layer=1)],
        layers=[layer(1)],
    )
    assert snapshot.flags["banner"].setter_keys == ("experiment-1", "experiment-2")


def test_compile__flag_without_layer__is_set_by_the_one_that_runs() -> None:
    flags = [flag("banner")]
    paused, running = setting(1, {}, {"banner": True}, status="PAUSED"), setting(2, {}, {"banner": True})
    assert snapshot_of(paused, running, flags=flags).flags["banner"].setter_keys == ("experiment-2",)
    assert snapshot_of(paused, flags=flags).flags["banner"].setter_keys == ("experiment-1",)
    assert snapshot_of(flags=flags).flags["banner"].setter_keys == ()


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        ({}, "bundle.flags: must be a list"),
        ([5], "bundle.flags[0]: must be an object"),
        ([flag("")], "bundle.flags[0].key"),
        ([flag("a"), flag("a")], "bundle.flags[1].key: flag 'a' appears twice"),
        ([flag("a", "DATE")], "bundle.flags[0].kind: unknown type 'DATE'"),
        ([flag("a", default=0)], "bundle.flags[0].default: must be true or false"),
        ([flag("a", "FLOAT", True)], "bundle.flags[0].default: must be a finite number"),
        ([flag("a", layer=7)], "bundle.flags[0].layer: there is no layer 7"),
        ([flag("a", layer="1")], "bundle.flags[0].layer: must be a whole number"),
        (
            [flag("rate", "INTEGER", 5)],
            "bundle.experiments[experiment-1].variants[arm-1].parameters.rate: must be a wh",
        ),
        ([flag("twice")], "bundle.flags[0]: 'experiment-1' and 'experiment-2' run without a layer"),
    ],
)
def test_compile__flags_at_fault__are_refused_with_the_path(flags: object, fault: str) -> None:
    both = setting(1, {}, {"rate": 1.5, "twice": True}), setting(2, {}, {"twice": False})
    with pytest.raises(BundleInvalid) as refused:
        compile_snapshot(content(*both) | {"flags": flags})
    assert refused.value.message.startswith(fault)


def test_value_of__variant_without_the_parameter__is_the_default() -> None:
    snapshot = snapshot_of(setting(1, {}, {"price": 25}), flags=[flag("price", "FLOAT", 20)])
    found = snapshot.flags["price"]
    values = {
        variant.key: value_of(found, variant.drawn)
        for variant in snapshot.experiments["experiment-1"].variants.values()
    }
    assert values == {"control": "20.0", "arm-1": "25.0"}


def test_value_of__answers_that_enrol_nobody__are_the_default_unless_they_show_a_variant() -> None:
    snapshot = snapshot_of(setting(1, {"price": 1}, {"price": 25}), flags=[flag("price", "FLOAT", 20)])
    found, design = snapshot.flags["price"], snapshot.experiments["experiment-1"]
    assert {value_of(found, answer) for answer in design.refused.values()} == {"20.0"}
    arm = design.variants["arm-1"]
    assert {value_of(found, answer) for answer in (arm.overridden, arm.previewed, arm.settling)} == {"25.0"}
    assert not any(answer.enrolled for answer in (arm.overridden, arm.previewed, arm.settling))


def test_contenders__several_experiments_of_a_layer__are_those_that_hold_or_override_the_unit() -> None:
    tenths = [[n * 100_000, (n + 1) * 100_000] for n in range(10)]
    designs = [setting(n + 1, {}, {"banner": True}, layer=1, layer_ranges=[tenths[n]]) for n in range(10)]
    designs[9]["overrides"] = {"v-tester": "arm-1"}
    snapshot = snapshot_of(*designs, flags=[flag("banner", layer=1)], layers=[layer(1)])
    found = snapshot.flags["banner"]
    owners = {contenders(found, {"visitor": f"v-{n}"}) for n in range(200)}
    assert owners == {(f"experiment-{n}",) for n in range(1, 11)}
    assert "experiment-10" in contenders(found, {"visitor": "v-tester"})
    assert contenders(found, {}) == ("experiment-1",)
    assert contenders(found, {"visitor": "x" * 20_000}) == ("experiment-1",)


def test_deciding__owner_and_override__is_the_override() -> None:
    halves = ([[0, 1]], [[1, 1_000_000]])
    first = setting(1, {}, {"banner": True}, layer=1, layer_ranges=halves[0], overrides={"v-tester": "arm-1"})
    second = setting(2, {}, {"banner": False}, layer=1, layer_ranges=halves[1])
    snapshot = snapshot_of(first, second, flags=[flag("banner", layer=1)], layers=[layer(1)])
    found = decided(snapshot, "banner", {"visitor": "v-tester"})
    assert found is not None
    assert (found.experiment_key, found.reason) == ("experiment-1", Reason.OVERRIDE)
    other = decided(snapshot, "banner", {"visitor": "v-1"})
    assert other is not None
    assert (other.experiment_key, other.reason) == ("experiment-2", Reason.SPLIT)


def test_deciding__two_kinds_of_unit_in_a_layer__is_what_serves_a_variant_before_a_refusal() -> None:
    audience = {"attribute": "country", "op": "eq", "value": "DE"}
    visitors = setting(1, {}, {"banner": True}, layer=1, layer_ranges=[[0, 500_000]], audience=audience)
    customers = setting(2, {}, {"banner": True}, layer=1, layer_ranges=[[500_000, 1_000_000]], unit_kind="customer")
    snapshot = snapshot_of(visitors, customers, flags=[flag("banner", layer=1)], layers=[layer(1)])
    found = snapshot.flags["banner"]
    visitor = next(f"v-{n}" for n in range(99) if "experiment-1" in contenders(found, {"visitor": f"v-{n}"}))
    customer = next(
        f"c-{n}"
        for n in range(99)
        if contenders(found, {"visitor": visitor, "customer": f"c-{n}"}) == ("experiment-1", "experiment-2")
    )

    def answer(country: str, **units: str) -> tuple[str, Reason] | None:
        given = decided(snapshot, "banner", units, country=country)
        return None if given is None else (given.experiment_key, given.reason)

    assert answer("DE", visitor=visitor, customer=customer) == ("experiment-1", Reason.SPLIT)
    assert answer("FR", visitor=visitor, customer=customer) == ("experiment-2", Reason.SPLIT)
    assert answer("FR", visitor=visitor) == ("experiment-1", Reason.AUDIENCE)
    assert answer("DE", customer=customer) == ("experiment-2", Reason.SPLIT)
    assert answer("DE") == ("experiment-1", Reason.UNIT_MISSING)


def test_deciding__nobody_owns_the_slot__is_nobody() -> None:
    first = setting(1, {}, {"banner": True}, layer=1, layer_ranges=[[0, 1]])
    second = setting(2, {}, {"banner": True}, layer=1, layer_ranges=[[1, 2]])
    for designs in ((first,), (first, second)):
        snapshot = snapshot_of(*designs, flags=[flag("banner", layer=1)], layers=[layer(1)])
        assert decided(snapshot, "banner", {"visitor": "v-1"}) is None


def test_serves_variant__every_reason__only_where_a_variant_is_shown() -> None:
    snapshot = snapshot_of(setting(1, {}, {}), flags=[])
    design = snapshot.experiments["experiment-1"]
    assert not any(serves_variant(answer) for answer in design.refused.values())
    arm = design.variants["arm-1"]
    shown = (arm.drawn, arm.kept, arm.overridden, arm.previewed, arm.settling)
    assert all(serves_variant(answer) for answer in shown)
