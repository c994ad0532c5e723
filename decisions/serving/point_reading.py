"""Compiling the decision points of a bundle from its content, or refusing it with the path of the fault."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from decisions.domain import ITEMS, Domain, PolicyKind
from decisions.learning import LearnerKind
from decisions.registry import DomainUnknown, domain_of
from decisions.serving.points import (
    BASELINE,
    ArmPolicy,
    Champion,
    DecisionPoint,
    FileRecord,
    LearnerRecord,
    ModelRecord,
    Points,
)
from decisions.settings import SettingInvalid, checked_settings
from experiments.assignment.reading import (
    BundleInvalid,
    read_flag,
    read_integer,
    read_list,
    read_object,
    read_text,
)
from experiments.assignment.snapshot import Snapshot
from experiments.assignment.targeting import AudienceInvalid, compile_audience
from experiments.vocabulary import UnitKind

LARGEST_SLATE = 1_000
LONGEST_DEADLINE = 10_000
"""Milliseconds."""
LONGEST_AGE = 10_000_000
"""Minutes."""

_SHA = re.compile(r"[0-9a-f]{64}", re.ASCII)
_POLICIES = tuple(kind.value for kind in PolicyKind)
_LEARNERS = tuple(kind.value for kind in LearnerKind)
_UNIT_KINDS = tuple(kind.value for kind in UnitKind)


@dataclass(frozen=True, slots=True)
class _Named:
    """What policies may refer to."""

    models: Mapping[int, ModelRecord]
    learners: Mapping[int, LearnerRecord]


def compile_points(content: object, snapshot: Snapshot) -> Points:
    """Return the decision points of a bundle's content; none where it has none, as with schema 1.

    Raises:
        BundleInvalid: malformed, or it refers to an experiment, variant, version, learner or domain that is not there.
    """
    bundle = read_object(content, "bundle")
    named = _Named(_models(bundle), _learners(bundle))
    points: dict[str, DecisionPoint] = {}
    for entry, path in _entries(bundle, "decision_points", "bundle"):
        point = _point(entry, path, snapshot, named)
        if point.key in points:
            raise BundleInvalid(f"{path}.key: decision point {point.key!r} appears twice.")
        points[point.key] = point
    versions, learners = _users(points.values())
    return Points(
        by_key=MappingProxyType(points),
        models=MappingProxyType(named.models),
        catalogues=MappingProxyType(_catalogues(bundle)),
        learners=MappingProxyType(named.learners),
        version_domains=MappingProxyType(versions),
        learner_domains=MappingProxyType(learners),
        prices=_prices(bundle),
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


def _models(bundle: Mapping[str, object]) -> dict[int, ModelRecord]:
    models: dict[int, ModelRecord] = {}
    for entry, path in _entries(bundle, "models", "bundle"):
        version = read_integer(entry, "version", path)
        if version in models:
            raise BundleInvalid(f"{path}.version: version {version} appears twice.")
        models[version] = ModelRecord(
            version=version,
            model=read_text(entry, "model", path),
            number=read_integer(entry, "number", path),
            file=_file(entry, path),
            seal=read_text(entry, "seal", path),
        )
    return models


def _learners(bundle: Mapping[str, object]) -> dict[int, LearnerRecord]:
    learners: dict[int, LearnerRecord] = {}
    for entry, path in _entries(bundle, "learners", "bundle"):
        number, kind = read_integer(entry, "id", path), read_text(entry, "kind", path)
        if number in learners:
            raise BundleInvalid(f"{path}.id: learner {number} appears twice.")
        if kind not in _LEARNERS:
            raise BundleInvalid(f"{path}.kind: unknown kind {kind!r}; use one of {', '.join(_LEARNERS)}.")
        learners[number] = LearnerRecord(
            id=number,
            key=read_text(entry, "key", path),
            kind=LearnerKind(kind),
            number=read_integer(entry, "number", path),
            floor=_share(entry, "floor", path),
            holdback=_share(entry, "holdback", path),
            salt=read_text(entry, "salt", path),
            file=_file(entry, path),
            seal=read_text(entry, "seal", path),
        )
    return learners


def _share(entry: Mapping[str, object], name: str, path: str) -> float:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise BundleInvalid(f"{path}.{name}: must be a number from 0 to 1.")
    return float(value)


def _catalogues(bundle: Mapping[str, object]) -> dict[str, FileRecord]:
    """Return the catalogues by collection; `catalogue` is the one of the shop's items."""
    found: dict[str, FileRecord] = {}
    if bundle.get("catalogue") is not None:
        found[ITEMS] = _file(read_object(bundle["catalogue"], "bundle.catalogue"), "bundle.catalogue")
    for entry, path in _entries(bundle, "catalogues", "bundle"):
        collection = read_text(entry, "collection", path)
        if collection in found:
            raise BundleInvalid(f"{path}.collection: the catalogue of {collection!r} appears twice.")
        found[collection] = _file(entry, path)
    return found


def _prices(bundle: Mapping[str, object]) -> FileRecord | None:
    said = bundle.get("prices")
    return None if said is None else _file(read_object(said, "bundle.prices"), "bundle.prices")


def _point(entry: Mapping[str, object], path: str, snapshot: Snapshot, named: _Named) -> DecisionPoint:
    largest = read_integer(entry, "largest_slate", path, most=LARGEST_SLATE)
    slate = read_integer(entry, "slate_size", path, most=largest)
    deadline = read_integer(entry, "deadline_ms", path, most=LONGEST_DEADLINE)
    if slate < 1 or deadline < 1:
        raise BundleInvalid(f"{path}: slate_size and deadline_ms must be at least 1.")
    try:
        domain = domain_of(read_text(entry, "domain", path))
    except DomainUnknown as error:
        raise BundleInvalid(f"{path}.domain: {error.message}") from error
    age = entry.get("most_age_minutes")
    return DecisionPoint(
        id=read_integer(entry, "id", path),
        key=read_text(entry, "key", path),
        domain=domain,
        is_personal=read_flag(entry, "personal", path),
        slate_size=slate,
        largest_slate=largest,
        deadline=deadline / 1_000,
        champions=tuple(_champion(record, where, named) for record, where in _entries(entry, "champions", path)),
        arms=MappingProxyType(_experiments(entry, path, snapshot, named)),
        learner=None if entry.get("learner") is None else _learner(entry, path, named),
        shadow=None if entry.get("shadow") is None else _version(entry, path, named, "shadow"),
        most_age=None if age is None else 60.0 * read_integer(entry, "most_age_minutes", path, most=LONGEST_AGE),
        settings=_settings(entry.get("settings"), f"{path}.settings", domain),
    )


def _settings(said: object, path: str, domain: Domain) -> Mapping[str, float | str]:
    """Return every setting of the domain: what was said, else its default."""
    try:
        return checked_settings(domain, {} if said is None else read_object(said, path))
    except SettingInvalid as error:
        raise BundleInvalid(f"{path}: {error.message}") from error


def _experiments(
    entry: Mapping[str, object], path: str, snapshot: Snapshot, named: _Named
) -> dict[str, Mapping[str, ArmPolicy]]:
    arms: dict[str, Mapping[str, ArmPolicy]] = {}
    by_id = {experiment.id: experiment.key for experiment in snapshot.experiments.values()}
    for record, where in _entries(entry, "experiments", path):
        key = by_id.get(read_integer(record, "id", where))
        if key is None:
            raise BundleInvalid(f"{where}.id: there is no experiment {record['id']} in this bundle.")
        if key in arms:
            raise BundleInvalid(f"{where}.id: experiment {record['id']} appears twice.")
        arms[key] = _arms(record, where, snapshot.experiments[key].variants, named)
    return arms


def _arms(
    record: Mapping[str, object], path: str, variants: Mapping[str, object], named: _Named
) -> Mapping[str, ArmPolicy]:
    policies = read_object(record.get("variants"), f"{path}.variants")
    if policies.keys() != variants.keys():
        odd = ", ".join(sorted(policies.keys() ^ variants.keys()))
        raise BundleInvalid(f"{path}.variants: must have a policy for each variant of the experiment; see {odd}.")
    arms = {}
    for key, policy in policies.items():
        where = f"{path}.variants.{key}"
        arms[key] = _policy(read_object(policy, where), where, named)
    return MappingProxyType(arms)


def _policy(entry: Mapping[str, object], path: str, named: _Named) -> ArmPolicy:
    text = read_text(entry, "policy", path)
    if text not in _POLICIES:
        raise BundleInvalid(f"{path}.policy: unknown policy {text!r}; use one of {', '.join(_POLICIES)}.")
    match PolicyKind(text):
        case PolicyKind.MODEL_RANKED:
            return ArmPolicy(PolicyKind.MODEL_RANKED, _version(entry, path, named))
        case PolicyKind.RECIPE:
            return ArmPolicy(PolicyKind.RECIPE, _version_if_any(entry, path, named))
        case PolicyKind.LEARNED:
            version, learner = _version_if_any(entry, path, named), _learner(entry, path, named)
            return ArmPolicy(PolicyKind.LEARNED, version, learner=learner)
        case PolicyKind.FIXED:
            actions = read_list(entry.get("actions"), f"{path}.actions")
            if not actions or not all(isinstance(action, str) for action in actions):
                raise BundleInvalid(f"{path}.actions: must name items.")
            return ArmPolicy(PolicyKind.FIXED, actions=tuple(dict.fromkeys(map(str, actions))))
        case PolicyKind.BASELINE:
            return BASELINE


def _champion(entry: Mapping[str, object], path: str, named: _Named) -> Champion:
    audience, unit_kind = entry.get("audience"), entry.get("unit_kind")
    if unit_kind is not None and unit_kind not in _UNIT_KINDS:
        raise BundleInvalid(f"{path}.unit_kind: unknown kind {unit_kind!r}.")
    try:
        admits = None if audience is None else compile_audience(audience, path=f"{path}.audience")
    except AudienceInvalid as error:
        raise BundleInvalid(error.message, hint=error.hint) from error
    return Champion(
        policy=ArmPolicy(PolicyKind.MODEL_RANKED, _version(entry, path, named)),
        admits=admits,
        unit_kind=None if unit_kind is None else str(unit_kind),
    )


def _version(entry: Mapping[str, object], path: str, named: _Named, name: str = "version") -> int:
    version = read_integer(entry, name, path)
    if version not in named.models:
        raise BundleInvalid(f"{path}.{name}: there is no model version {version} in this bundle.")
    return version


def _version_if_any(entry: Mapping[str, object], path: str, named: _Named) -> int | None:
    return None if entry.get("version") is None else _version(entry, path, named)


def _learner(entry: Mapping[str, object], path: str, named: _Named) -> int:
    learner = read_integer(entry, "learner", path)
    if learner not in named.learners:
        raise BundleInvalid(f"{path}.learner: there is no learner {learner} in this bundle.")
    return learner


def _users(points: Iterable[DecisionPoint]) -> tuple[dict[int, Domain], dict[int, Domain]]:
    """Return the domain at whose points each version and each learner decides. Raises BundleInvalid for two domains."""
    versions: dict[int, Domain] = {}
    learners: dict[int, Domain] = {}
    for point in points:
        for policy in point.policies:
            for number, known, what in ((policy.version, versions, "version"), (policy.learner, learners, "learner")):
                if number is not None and known.setdefault(number, point.domain) is not point.domain:
                    raise BundleInvalid(
                        f"bundle.decision_points[{point.key}]: {what} {number} decides in two domains, "
                        f"{known[number].key} and {point.domain.key}."
                    )
    return versions, learners
