"""Decision points of a bundle: who decides where, compiled from its content or refused with the path of the fault."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from decisions.domain import Domain, PolicyKind
from decisions.registry import DomainUnknown, domain_of
from experiments.assignment.bucketing import encode_unit
from experiments.assignment.reading import (
    BundleInvalid,
    read_flag,
    read_integer,
    read_list,
    read_object,
    read_text,
)
from experiments.assignment.snapshot import Snapshot
from experiments.assignment.targeting import AudienceInvalid, Predicate, compile_audience
from experiments.vocabulary import UnitKind

LARGEST_SLATE = 1_000
LONGEST_DEADLINE = 10_000
"""Milliseconds."""

_SHA = re.compile(r"[0-9a-f]{64}", re.ASCII)
_POLICIES = tuple(kind.value for kind in PolicyKind)
_UNIT_KINDS = tuple(kind.value for kind in UnitKind)


@dataclass(frozen=True, slots=True)
class ArmPolicy:
    """How one variant decides. `version` is set for model_ranked alone, `actions` (item ids) for fixed alone."""

    kind: PolicyKind
    version: int | None = None
    actions: tuple[str, ...] = ()


BASELINE = ArmPolicy(PolicyKind.BASELINE)


@dataclass(frozen=True, slots=True)
class Champion:
    """A version that serves traffic outside experiments, where its audience admits the attributes."""

    policy: ArmPolicy
    admits: Predicate | None
    unit_kind: str | None


@dataclass(frozen=True, slots=True)
class DecisionPoint:
    """A place in the shop where a decision is asked for. `deadline` is in seconds.

    `arms` maps the keys of its experiments, in the order in which they are asked, to the policies of their variants.
    `champions` stand in the order of their claim.
    """

    id: int
    key: str
    domain: Domain
    is_personal: bool
    slate_size: int
    largest_slate: int
    deadline: float
    champions: tuple[Champion, ...]
    arms: Mapping[str, Mapping[str, ArmPolicy]]

    def policy_outside(self, units: Mapping[str, object], attributes: Mapping[str, object]) -> ArmPolicy:
        """Return the policy for traffic outside experiments: of the first champion that may serve it, else baseline."""
        for champion in self.champions:
            if champion.unit_kind is not None and encode_unit(units.get(champion.unit_kind)) is None:
                continue
            if champion.admits is None or champion.admits(attributes):
                return champion.policy
        return BASELINE


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A published file: its name (SHA-256) and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model version that the bundle refers to. `number` counts within its model."""

    version: int
    model: str
    number: int
    file: FileRecord
    seal: str


@dataclass(frozen=True, slots=True)
class Points:
    """Everything of a bundle that concerns decisions."""

    by_key: Mapping[str, DecisionPoint]
    models: Mapping[int, ModelRecord]
    catalogue: FileRecord | None

    @property
    def files(self) -> frozenset[str]:
        """The names of the files that the bundle needs."""
        named = {record.file.sha256 for record in self.models.values()}
        return frozenset(named | ({self.catalogue.sha256} if self.catalogue else set()))


def compile_points(content: object, snapshot: Snapshot) -> Points:
    """Return the decision points of a bundle's content; none where it has none, as with schema 1.

    Raises:
        BundleInvalid: malformed, or it refers to an experiment, variant, version or domain that is not there.
    """
    bundle = read_object(content, "bundle")
    models: dict[int, ModelRecord] = {}
    for entry, path in _entries(bundle, "models", "bundle"):
        model = _model(entry, path)
        if model.version in models:
            raise BundleInvalid(f"{path}.version: version {model.version} appears twice.")
        models[model.version] = model
    points: dict[str, DecisionPoint] = {}
    for entry, path in _entries(bundle, "decision_points", "bundle"):
        point = _point(entry, path, snapshot, models)
        if point.key in points:
            raise BundleInvalid(f"{path}.key: decision point {point.key!r} appears twice.")
        points[point.key] = point
    catalogue = bundle.get("catalogue")
    return Points(
        by_key=MappingProxyType(points),
        models=MappingProxyType(models),
        catalogue=None if catalogue is None else _file(read_object(catalogue, "bundle.catalogue"), "bundle.catalogue"),
    )


def _entries(entry: Mapping[str, object], name: str, path: str) -> list[tuple[Mapping[str, object], str]]:
    listed = entry.get(name)
    found = () if listed is None else read_list(listed, f"{path}.{name}")
    return [(read_object(item, f"{path}.{name}[{n}]"), f"{path}.{name}[{n}]") for n, item in enumerate(found)]


def _file(entry: Mapping[str, object], path: str) -> FileRecord:
    sha = read_text(entry, "sha256", path)
    if _SHA.fullmatch(sha) is None:
        raise BundleInvalid(f"{path}.sha256: must be 64 hexadecimal digits.")
    return FileRecord(sha, read_integer(entry, "size", path))


def _model(entry: Mapping[str, object], path: str) -> ModelRecord:
    return ModelRecord(
        version=read_integer(entry, "version", path),
        model=read_text(entry, "model", path),
        number=read_integer(entry, "number", path),
        file=_file(entry, path),
        seal=read_text(entry, "seal", path),
    )


def _point(
    entry: Mapping[str, object], path: str, snapshot: Snapshot, models: Mapping[int, ModelRecord]
) -> DecisionPoint:
    largest = read_integer(entry, "largest_slate", path, most=LARGEST_SLATE)
    slate = read_integer(entry, "slate_size", path, most=largest)
    deadline = read_integer(entry, "deadline_ms", path, most=LONGEST_DEADLINE)
    if slate < 1 or deadline < 1:
        raise BundleInvalid(f"{path}: slate_size and deadline_ms must be at least 1.")
    try:
        domain = domain_of(read_text(entry, "domain", path))
    except DomainUnknown as error:
        raise BundleInvalid(f"{path}.domain: {error.message}") from error
    arms: dict[str, Mapping[str, ArmPolicy]] = {}
    by_id = {experiment.id: experiment.key for experiment in snapshot.experiments.values()}
    for record, where in _entries(entry, "experiments", path):
        key = by_id.get(read_integer(record, "id", where))
        if key is None:
            raise BundleInvalid(f"{where}.id: there is no experiment {record['id']} in this bundle.")
        if key in arms:
            raise BundleInvalid(f"{where}.id: experiment {record['id']} appears twice.")
        arms[key] = _arms(record, where, snapshot.experiments[key].variants, models)
    return DecisionPoint(
        id=read_integer(entry, "id", path),
        key=read_text(entry, "key", path),
        domain=domain,
        is_personal=read_flag(entry, "personal", path),
        slate_size=slate,
        largest_slate=largest,
        deadline=deadline / 1_000,
        champions=tuple(_champion(record, where, models) for record, where in _entries(entry, "champions", path)),
        arms=MappingProxyType(arms),
    )


def _arms(
    record: Mapping[str, object], path: str, variants: Mapping[str, object], models: Mapping[int, ModelRecord]
) -> Mapping[str, ArmPolicy]:
    policies = read_object(record.get("variants"), f"{path}.variants")
    if policies.keys() != variants.keys():
        odd = ", ".join(sorted(policies.keys() ^ variants.keys()))
        raise BundleInvalid(f"{path}.variants: must have a policy for each variant of the experiment; see {odd}.")
    arms = {}
    for key, policy in policies.items():
        where = f"{path}.variants.{key}"
        arms[key] = _policy(read_object(policy, where), where, models)
    return MappingProxyType(arms)


def _policy(entry: Mapping[str, object], path: str, models: Mapping[int, ModelRecord]) -> ArmPolicy:
    kind = read_text(entry, "policy", path)
    if kind not in _POLICIES:
        raise BundleInvalid(f"{path}.policy: unknown policy {kind!r}; use one of {', '.join(_POLICIES)}.")
    if kind == PolicyKind.MODEL_RANKED:
        return ArmPolicy(PolicyKind.MODEL_RANKED, _version(entry, path, models))
    if kind == PolicyKind.FIXED:
        actions = read_list(entry.get("actions"), f"{path}.actions")
        if not actions or not all(isinstance(action, str) for action in actions):
            raise BundleInvalid(f"{path}.actions: must name items.")
        return ArmPolicy(PolicyKind.FIXED, actions=tuple(dict.fromkeys(map(str, actions))))
    return BASELINE


def _champion(entry: Mapping[str, object], path: str, models: Mapping[int, ModelRecord]) -> Champion:
    audience, unit_kind = entry.get("audience"), entry.get("unit_kind")
    if unit_kind is not None and unit_kind not in _UNIT_KINDS:
        raise BundleInvalid(f"{path}.unit_kind: unknown kind {unit_kind!r}.")
    try:
        admits = None if audience is None else compile_audience(audience, path=f"{path}.audience")
    except AudienceInvalid as error:
        raise BundleInvalid(error.message, hint=error.hint) from error
    return Champion(
        policy=ArmPolicy(PolicyKind.MODEL_RANKED, _version(entry, path, models)),
        admits=admits,
        unit_kind=None if unit_kind is None else str(unit_kind),
    )


def _version(entry: Mapping[str, object], path: str, models: Mapping[int, ModelRecord]) -> int:
    version = read_integer(entry, "version", path)
    if version not in models:
        raise BundleInvalid(f"{path}.version: there is no model version {version} in this bundle.")
    return version
