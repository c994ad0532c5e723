"""A bundle's content with a bit of everything, and every way to break it in one place."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.decisions.published import (
    ab_point,
    catalogue_bytes,
    file_record,
    learner_record,
    model_record,
    point,
    policy,
    popularity_bytes,
)
from tests.experiments.assignment.builders import arms, content, experiment, holdout, layer, variant

Content = dict[str, Any]

MAY_BE_NONE = {"catalogue", "catalogues", "most_age_minutes", "learner", "shadow"}
DROPPABLE = {"flags", "budget", "sticky", "period", "kind", *MAY_BE_NONE}
"""Members whose absence means something else than a mistake, or that the edge does not read."""
NULLABLE = {"holdout", "audience", "layer", "unit_kind", "period", "budget", *MAY_BE_NONE}
FREE = {"parameters", "audience", "overrides", "default", "actions", "kind"}
"""Members whose inside is the business of those who wrote it; what is wrong in them has mutations of its own."""


def whole_content() -> Content:
    """Return content of the newest schema: layers, holdout, audience, ramp, periods, flags, two decision points."""
    catalogue, artifact = catalogue_bytes(), popularity_bytes()
    german = {
        "all": [{"attribute": "country", "op": "eq", "value": "DE"}, {"attribute": "orders", "op": "gte", "value": 2}]
    }
    layered = {"layer": 1, "holdout": 1}
    experiments = [
        experiment(1, **layered, layer_ranges=[[0, 400_000]], audience=german, coverage=300_000),
        experiment(2, **layered, layer_ranges=[[400_000, 1_000_000]], overrides={"tester": "arm-1"}, sticky=True),
        experiment(3, variants=arms(200_000, 300_000, 500_000), personalised=True, status="PAUSED"),
        experiment(
            4,
            unit_kind="item",
            period={
                "minutes": 1_440,
                "anchor": "2026-01-02T00:00:00+00:00",
                "design": "BALANCED",
                "burn_in": 60,
                "block": 2,
            },
            variants=[
                variant(key, span, budget=5_000)
                for key, span in (("control", [[0, 500_000]]), ("arm-1", [[500_000, 1_000_000]]))
            ],
        ),
    ]
    for entry in experiments:
        for arm in entry["variants"]:
            arm["parameters"] = {"size": 3, "colour": arm["key"]} if entry["id"] in (1, 2) else {"arm": arm["key"]}
    at_home = ab_point(
        policy("model_ranked", version=12), champions=[{"version": 12, "audience": None, "unit_kind": None}]
    )
    at_cart = point(id=8, key="cart", personal=False, learner=5, most_age_minutes=60, shadow=12)
    return content(*experiments, layers=[layer(1), layer(2)], holdouts=[holdout(1, share=50_000)]) | {
        "schema": 3,
        "flags": [
            {"key": "size", "kind": "INTEGER", "default": 1, "layer": 1},
            {"key": "colour", "kind": "STRING", "default": "red", "layer": 1},
            {"key": "arm", "kind": "STRING", "default": "none", "layer": None},
        ],
        "decision_points": [at_home, at_cart],
        "models": [model_record(12, artifact)],
        "catalogue": file_record(catalogue),
        "catalogues": [{"collection": "creatives", **file_record(catalogue)}],
        "learners": [learner_record(5, b"state", floor=1, holdback=0)],
    }


def mutations() -> Iterator[tuple[str, Content]]:
    """Yield broken contents, each with what was done to it."""
    whole = whole_content()
    for path, key, value in _members(whole, ()):
        if key not in DROPPABLE:
            yield f"{path} dropped", _changed(whole, path, None, drop=True)
        for wrong in () if path[0] == "models" and key == "kind" else _wrong(value):
            if (wrong is None and key in NULLABLE) or (key == "default" and wrong in ("", -1)):
                continue
            yield f"{path} = {str(wrong)[:20]!r}", _changed(whole, path, wrong)
    for name, change in _MEANT:
        broken = copy.deepcopy(whole)
        change(broken)
        yield name, broken
    for name in ("experiments", "layers", "holdouts", "flags", "decision_points", "models", "learners", "catalogues"):
        for place in range(len(whole[name])):
            broken = copy.deepcopy(whole)
            broken[name].append(copy.deepcopy(broken[name][place]))
            yield f"{name}[{place}] twice", broken
    for place, entry in enumerate(whole["experiments"]):
        for arm in range(len(entry["variants"])):
            yield from _broken_arms(whole, place, arm)


def _members(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """Yield every member of every object: its path, its name, its value."""
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _members(item, (*path, place))
    if isinstance(value, Mapping):
        for key, item in value.items():
            if path[:1] == () and key in ("schema", "project", "version"):
                continue
            if path[-2:-1] == ("experiments",) and path[0] == "decision_points" and key == "variants":
                continue  # Its members are the keys of variants; they have mutations of their own.
            yield (*path, key), key, item
            if key not in FREE:
                yield from _members(item, (*path, key))


def _wrong(value: Any) -> list[Any]:
    """Return values that can stand nowhere where this one does."""
    match value:
        case bool():
            return [None, 1, "true", [], {}]
        case str():
            return [None, 7, True, [], {}, "", "\ud800", float("nan")]
        case int():
            return [None, "7", True, [], {}, -1, 1.5, float("nan"), float("inf"), 10**400]
        case list():
            return (
                [None, 7, "x", {"a": 1}, True, [None], [7], ["x"], [[]]] if value else [None, 7, "x", True, [None], [7]]
            )
        case Mapping():
            return [None, 7, "x", [], True]
        case None:
            return [7_777_777, "x", True, [], -1, float("nan")]
    raise AssertionError(value)


def _changed(whole: Content, path: tuple[Any, ...], value: Any, *, drop: bool = False) -> Content:
    broken = copy.deepcopy(whole)
    *above, last = path
    place: Any = broken
    for part in above:
        place = place[part]
    if drop:
        del place[last]
    else:
        place[last] = value
    return broken


def _broken_arms(whole: Content, place: int, arm: int) -> Iterator[tuple[str, Content]]:
    """Yield contents in which one variant's weight, slots, key or parameters contradict the others."""

    def with_arm(**changes: Any) -> Content:
        broken = copy.deepcopy(whole)
        broken["experiments"][place]["variants"][arm] |= changes
        return broken

    entry = whole["experiments"][place]["variants"][arm]
    (start, end), other = entry["ranges"][0], whole["experiments"][place]["variants"][arm - 1]
    yield "a weight too many", with_arm(weight=entry["weight"] + 1)
    yield "a weight too few", with_arm(weight=entry["weight"] - 1)
    yield "slots of nobody", with_arm(ranges=[[start, end - 1]])
    yield "slots of another", with_arm(ranges=[[start - 1 if start else start, end if start else end + 1]])
    yield "the slots of another", with_arm(ranges=other["ranges"], weight=other["weight"])
    yield "slots beyond the last", with_arm(ranges=[[start, end], [1_000_000, 1_000_001]])
    yield "slots the wrong way", with_arm(ranges=[[end, start]])
    yield "half a slot", with_arm(ranges=[[start, end - 0.5]])
    yield "key of another", with_arm(key=other["key"])
    yield "control as well or none", with_arm(control=not entry["control"])
    yield "state unheard of", with_arm(state="AJAR")
    for wrong in (float("nan"), float("-inf"), 10**400, "\ud800", {"deep": [float("nan")]}):
        yield f"parameter {str(wrong)[:10]!r}", with_arm(parameters=entry["parameters"] | {"more": wrong})


def _set(path: str, value: Any) -> Callable[[Content], None]:
    """Return a change of one member, by a path such as `experiments.0.layer`."""

    def change(broken: Content) -> None:
        place: Any = broken
        *above, last = (int(part) if part.isdigit() else part for part in path.split("."))
        for part in above:
            place = place[part]
        place[last] = value

    return change


def _leaf(attribute: Any, op: Any, value: Any) -> dict[str, Any]:
    return {"attribute": attribute, "op": op, "value": value}


_MEANT: tuple[tuple[str, Callable[[Content], None]], ...] = (
    ("layer that is not there", _set("experiments.0.layer", 99)),
    ("holdout that is not there", _set("experiments.0.holdout", 99)),
    ("parts of a layer that overlap", _set("experiments.1.layer_ranges", [[399_999, 1_000_000]])),
    ("parts of a layer without a layer", _set("experiments.0.layer", None)),
    ("parts that overlap each other", _set("experiments.0.layer_ranges", [[0, 300_000], [200_000, 400_000]])),
    ("coverage beyond all", _set("experiments.0.coverage", 1_000_001)),
    ("share beyond all", _set("holdouts.0.share", 1_000_001)),
    ("override to nobody", _set("experiments.1.overrides", {"tester": "arm-9"})),
    ("override to no key", _set("experiments.1.overrides", {"tester": 3})),
    ("unit kind unheard of", _set("experiments.0.unit_kind", "household")),
    ("status unheard of", _set("experiments.0.status", "SLEEPING")),
    ("time without a zone", _set("experiments.0.epoch_opened_at", "2026-01-01T00:00:00")),
    ("time that is none", _set("experiments.0.epoch_opened_at", "yesterday")),
    ("audience with an operator unheard of", _set("experiments.0.audience", _leaf("country", "resembles", "DE"))),
    ("audience with a pattern that is none", _set("experiments.0.audience", _leaf("country", "matches", "("))),
    ("audience that compares with nothing", _set("experiments.0.audience", _leaf("orders", "gte", "many"))),
    ("audience of nobody's attribute", _set("experiments.0.audience", _leaf(7, "eq", "DE"))),
    ("audience with a lone surrogate", _set("experiments.0.audience", _leaf("country", "eq", "\ud800"))),
    ("audience with NaN", _set("experiments.0.audience", _leaf("orders", "gte", float("nan")))),
    ("audience that is empty", _set("experiments.0.audience", {})),
    ("audience of both kinds", _set("experiments.0.audience", {"all": [], "any": []})),
    ("people by period", _set("experiments.3.unit_kind", "visitor")),
    ("burn-in as long as the period", _set("experiments.3.period.burn_in", 1_440)),
    ("block of nothing", _set("experiments.3.period.block", 0)),
    ("flag whose default is of another type", _set("flags.0.default", "one")),
    ("flag whose default is half", _set("flags.0.default", 1.5)),
    ("flag whose default is NaN", _set("flags.0.default", float("nan"))),
    ("flag whose default JavaScript rounds", _set("flags.0.default", 2**53 + 1)),
    ("flag of a type unheard of", _set("flags.0.kind", "DATE")),
    ("flag of a layer that is not there", _set("flags.0.layer", 99)),
    ("variant that gives a flag another type", _set("experiments.0.variants.1.parameters", {"size": "big"})),
    ("decision point for an experiment that is not there", _set("decision_points.0.experiments.0.id", 99)),
    (
        "decision point without one of the variants",
        _set("decision_points.0.experiments.0.variants", {"control": policy()}),
    ),
    ("policy unheard of", _set("decision_points.0.experiments.0.variants.arm-1", policy("guess"))),
    ("policy of a version that is not there", _set("decision_points.0.experiments.0.variants.arm-1.version", 13)),
    ("fixed policy without items", _set("decision_points.0.experiments.0.variants.arm-1", policy("fixed"))),
    ("champion that is not there", _set("decision_points.0.champions.0.version", 13)),
    ("champion of a unit kind unheard of", _set("decision_points.0.champions.0.unit_kind", "household")),
    ("domain unheard of", _set("decision_points.0.domain", "astrology")),
    ("slate of nothing", _set("decision_points.0.slate_size", 0)),
    ("slate larger than the largest", _set("decision_points.0.slate_size", 21)),
    ("no time to decide", _set("decision_points.0.deadline_ms", 0)),
    ("learner that is not there", _set("decision_points.1.learner", 6)),
    ("learner of a kind unheard of", _set("learners.0.kind", "oracle")),
    ("learner that holds back more than all", _set("learners.0.holdback", 1.01)),
    ("shadow that is not there", _set("decision_points.1.shadow", 13)),
    ("learned policy without its learner", _set("decision_points.0.experiments.0.variants.arm-1", policy("learned"))),
    (
        "recipe of a version that is not there",
        _set("decision_points.0.experiments.0.variants.arm-1", policy("recipe", version=13)),
    ),
    ("one version in two domains", _set("decision_points.1.domain", "ad_placement")),
    ("catalogue of the items twice", _set("catalogues.0.collection", "items")),
    ("file without a digest", _set("models.0.sha256", "12")),
)
