"""The second look at a bundle before it is published: opened as an edge opens it, and made to answer.

A bundle that fails here never gets a version that an edge could load. What was published before goes on being served.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Never

import numpy as np

from decisions.domain import Domain, FieldKind, Mode, PolicyKind
from decisions.moment import Catalogue, Column
from decisions.serving.answers import render_assignments
from decisions.serving.assigning import Given
from decisions.serving.bundle import LiveBundle, PublishedText, open_bundle
from decisions.serving.catalogues import with_fields
from decisions.serving.choosing import Means
from decisions.serving.decide import Decision, decide
from decisions.serving.decision_requests import DecisionRequest
from decisions.serving.equipment import Equipment, stocked
from decisions.serving.known import NOTHING_KNOWN
from decisions.serving.points import DecisionPoint
from decisions.serving.scoring import NotScored, Question
from decisions.serving.selftest_batches import examine_batch_point
from decisions.vocabulary import BundleSource, DecisionReason
from experiments.assignment.flags import value_fault
from experiments.assignment.reading import BundleInvalid, read_list, read_object
from experiments.assignment.selftest import examine_assignment
from experiments.assignment.snapshot import Assignment, Flag
from experiments.assignment.writing import unwritable
from foundation.errors import DomainError

PRESENT: Mapping[str, tuple[str, ...]] = {
    "experiments": ("audience", "holdout", "layer", "layer_ranges"),
    "flags": ("layer", "default"),
    "decision_points": ("champions", "experiments"),
    "champions": ("audience", "unit_kind"),
}
"""Members that may be null or empty but not missing: without one of them more people would be reached than meant."""

_ITEMS = ("self-test-1", "self-test-2")
_OF_NOBODY = (DecisionReason.BASELINE, DecisionReason.MODEL_UNAVAILABLE, DecisionReason.LEARNER_UNAVAILABLE)


def write_content(content: Mapping[str, object]) -> str:
    """Return the one JSON text of a bundle's content: sorted keys, no spaces.

    Raises:
        BundleInvalid: it has something that JSON cannot say; the message begins with the path.
    """
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        where = unwritable(content, "bundle") or "bundle"
        raise BundleInvalid(f"{where}: cannot be written as JSON.") from error
    return text


def examine(text: PublishedText) -> LiveBundle:
    """Return the bundle that a text stands for, once it has been seen to work.

    Raises:
        BundleInvalid: it cannot be opened, or it does not do what it says; the message begins with the path.
    """
    content = _strict(text.content)
    try:
        _examine_members(content)
        bundle, again = (open_bundle(text, source=BundleSource.POSTGRES) for _ in range(2))
        examine_assignment(bundle.snapshot, again.snapshot)
        _examine_answers(bundle)
        for flag in bundle.snapshot.flags.values():
            _examine_flag(flag)
        for point in bundle.points.by_key.values():
            _examine_point(point, bundle)
    except BundleInvalid:
        raise
    except Exception as error:
        # What no check foresaw would also be met by every edge process: the same refusal, whatever its kind.
        raise BundleInvalid(f"bundle: it fails its self-test: {type(error).__name__}: {error}.") from error
    return bundle


def _strict(text: str) -> Mapping[str, object]:
    """Return the content, read without the tolerance that JSON parsers have for what other clients refuse."""
    try:
        parsed = json.loads(text, object_pairs_hook=_members, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BundleInvalid(f"bundle: is not JSON: {type(error).__name__}.") from error
    return read_object(parsed, "bundle")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise BundleInvalid(f"bundle: an object has the member {twice!r} twice.")
    return found


def _no_number(constant: str) -> Never:
    raise BundleInvalid(f"bundle: has {constant}, which is no number in JSON.")


def _examine_members(content: Mapping[str, object]) -> None:
    """Refuse what readers of old bundles forgive: members that are missing, numbers that no client can read."""
    for name in ("experiments", "flags", "models", "decision_points"):
        for path, entry in _entries(content, name, "bundle"):
            for missing in set(PRESENT.get(name, ())) - entry.keys():
                raise BundleInvalid(f"{path}.{missing}: is missing.")
            if name == "experiments":
                _examine_experiment(entry, path)
            if name == "decision_points":
                _entries(entry, "experiments", path)
                for where, champion in _entries(entry, "champions", path):
                    for missing in set(PRESENT["champions"]) - champion.keys():
                        raise BundleInvalid(f"{where}.{missing}: is missing.")


def _examine_experiment(entry: Mapping[str, object], path: str) -> None:
    if entry["layer"] is None and read_list(entry["layer_ranges"], f"{path}.layer_ranges"):
        raise BundleInvalid(f"{path}.layer_ranges: it has a part of a layer, but no layer.")
    for where, variant in _entries(entry, "variants", path):
        fault = unwritable(variant.get("parameters"), f"{where}.parameters")
        if fault is not None:
            raise BundleInvalid(f"{fault}: no client could read it.")


def _entries(entry: Mapping[str, object], name: str, path: str) -> list[tuple[str, Mapping[str, object]]]:
    listed = enumerate(read_list(entry.get(name), f"{path}.{name}"))
    return [(f"{path}.{name}[{place}]", read_object(item, f"{path}.{name}[{place}]")) for place, item in listed]


def _examine_answers(bundle: LiveBundle) -> None:
    """Refuse where an answer cannot be rendered, or is read back as something else."""
    units = {str(e.unit_kind): "self-test" for e in bundle.snapshot.experiments.values()}
    for experiment in bundle.snapshot.experiments.values():
        for variant in experiment.variants.values():
            given = Given((Assignment(variant.drawn, None, None, 0),))
            body = render_assignments(
                given, units, bundle, at=bundle.snapshot.latest_opening, decision_id="self-test", metadata={}
            )
            (told,) = json.loads(body, parse_constant=_no_number)["assignments"]
            if (told["variant"], told["parameters"]) != (variant.key, _thawed(variant.parameters)):
                raise BundleInvalid(
                    f"bundle.experiments[{experiment.key}]: variant {variant.key!r} is told as another."
                )


def _examine_flag(flag: Flag) -> None:
    for origin, text in ((("default",), flag.default), *flag.values.items()):
        fault = value_fault(flag.kind, json.loads(text, parse_constant=_no_number))
        if fault is not None:
            raise BundleInvalid(f"bundle.flags[{flag.key}].{'.'.join(origin)}: {fault}.")


def _examine_point(point: DecisionPoint, bundle: LiveBundle) -> None:
    """Refuse where a decision point has nothing for a shopper of whom nothing is known, its models not loaded."""
    if point.domain.mode is Mode.BATCH:
        examine_batch_point(point, bundle)
        return
    where, domain = f"bundle.decision_points[{point.key}]", point.domain
    try:
        shelf = stocked(domain, plain_catalogue(domain))
    except DomainError as error:
        raise BundleInvalid(f"{where}: {error.message}") from error
    bare = replace(bundle, equipment=Equipment(shelves={domain.key: shelf}))
    at = bundle.snapshot.latest_opening
    free = replace(point, most_age=None)
    decision = decide(DecisionRequest(units={}), free, bare, NOTHING_KNOWN, at, Means(_no_scores, "self-test"))
    shown = tuple(action.item for action in decision.actions)
    is_meant = decision.policy is PolicyKind.BASELINE and decision.reason in _OF_NOBODY
    is_slate = set(shown) <= set(_ITEMS) and 0 < len(shown) == len(set(shown)) <= point.slate_size
    if not is_meant or not is_slate:
        raise BundleInvalid(
            f"{where}: of two plain actions, all their required fields filled, the domain {domain.key} shows nobody "
            f"{list(shown)}, for {decision.reason}; {_taken(decision)}."
        )


def plain_catalogue(domain: Domain) -> Catalogue:
    """Return two actions in stock of which nothing is known but the fields that the domain requires."""
    columns: dict[str, Column] = {
        name: _ITEMS if field.kind is FieldKind.TEXT else np.array([2.0, 1.0])
        for name, field in domain.fields.items()
        if field.required
    }
    bare = Catalogue(
        items=_ITEMS,
        places=MappingProxyType({item: place for place, item in enumerate(_ITEMS)}),
        in_stock=np.ones(len(_ITEMS), dtype=np.bool_),
        baseline=np.array([2.0, 1.0], dtype=np.float32),
        fields=MappingProxyType(columns),
    )
    return with_fields(bare, domain.fields)


def _taken(decision: Decision) -> str:
    taken = [f"{name} took {count}" for name, count in decision.removed.items() if count]
    return ", ".join(taken) or "no constraint took any"


def _no_scores(_question: Question) -> Never:
    raise NotScored(DecisionReason.MODEL_UNAVAILABLE)


def _thawed(value: Any) -> Any:
    """Return what JSON says of a read-only value."""
    if isinstance(value, Mapping):
        return {name: _thawed(item) for name, item in value.items()}
    return [_thawed(item) for item in value] if isinstance(value, tuple) else value
