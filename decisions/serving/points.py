"""Decision points of a bundle: who decides where, and with which files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from decisions.domain import ITEMS, Domain, PolicyKind
from decisions.learning import LearnerKind
from experiments.assignment.bucketing import encode_unit
from experiments.assignment.targeting import Predicate


@dataclass(frozen=True, slots=True)
class ArmPolicy:
    """How one variant decides.

    `version` is set for model_ranked; for recipe once its schedule has a version that passed its gate; for learned
    where the learning policy reads a version's scores. `actions` (item ids) for fixed alone, `learner` for learned
    alone.
    """

    kind: PolicyKind
    version: int | None = None
    actions: tuple[str, ...] = ()
    learner: int | None = None


BASELINE = ArmPolicy(PolicyKind.BASELINE)


@dataclass(frozen=True, slots=True)
class Champion:
    """A version that serves traffic outside experiments, where its audience admits the attributes."""

    policy: ArmPolicy
    admits: Predicate | None
    unit_kind: str | None

    def serves(self, units: Mapping[str, object], attributes: Mapping[str, object]) -> bool:
        """Return whether it may serve these units with these attributes."""
        if self.unit_kind is not None and encode_unit(units.get(self.unit_kind)) is None:
            return False
        return self.admits is None or self.admits(attributes)


@dataclass(frozen=True, slots=True)
class DecisionPoint:
    """A place in the shop where a decision is asked for. `deadline` and `most_age` are in seconds.

    `arms` maps the keys of its experiments, in the order in which they are asked, to the policies of their variants.
    `champions` stand in the order of their claim. `learner` serves traffic outside experiments in their place; it may
    read the champion's scores. `most_age` is how long ago (project time) the shop may have confirmed its catalogue;
    None for any time. `shadow` is the version that is scored beside what serves, and never served. `settings` has all
    that the domain declares.
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
    learner: int | None = None
    most_age: float | None = None
    shadow: int | None = None
    settings: Mapping[str, float | str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def policies(self) -> tuple[ArmPolicy, ...]:
        """Every policy that may decide here, and that of the shadow."""
        found = [champion.policy for champion in self.champions]
        found += [policy for arms in self.arms.values() for policy in arms.values()]
        if self.learner is not None:
            found.append(ArmPolicy(PolicyKind.LEARNED, learner=self.learner))
        if self.shadow is not None:
            found.append(ArmPolicy(PolicyKind.MODEL_RANKED, self.shadow))
        return tuple(found)

    def policy_outside(self, units: Mapping[str, object], attributes: Mapping[str, object]) -> ArmPolicy:
        """Return the policy for traffic outside experiments: the learner, else the first champion that may serve it."""
        champion = next((known.policy for known in self.champions if known.serves(units, attributes)), BASELINE)
        if self.learner is None:
            return champion
        return ArmPolicy(PolicyKind.LEARNED, version=champion.version, learner=self.learner)


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
class LearnerRecord:
    """A learning policy that the bundle refers to, with the state it is in; `number` counts its states.

    `floor` is the share of its decisions that is spread evenly over what may be chosen, `holdback` the share of units
    that it never serves. `salt` is of its draws.
    """

    id: int
    key: str
    kind: LearnerKind
    number: int
    floor: float
    holdback: float
    salt: str
    file: FileRecord
    seal: str


@dataclass(frozen=True, slots=True)
class Points:
    """Everything of a bundle that concerns decisions.

    `catalogues` go by their collection. `version_domains` and `learner_domains` say at points of which domain a model
    version or a learning policy decides. `prices` are what everybody is offered.
    """

    by_key: Mapping[str, DecisionPoint]
    models: Mapping[int, ModelRecord]
    catalogues: Mapping[str, FileRecord]
    learners: Mapping[int, LearnerRecord] = field(default_factory=lambda: MappingProxyType({}))
    version_domains: Mapping[int, Domain] = field(default_factory=lambda: MappingProxyType({}))
    learner_domains: Mapping[int, Domain] = field(default_factory=lambda: MappingProxyType({}))
    prices: FileRecord | None = None

    @property
    def catalogue(self) -> FileRecord | None:
        """The catalogue of the shop's items."""
        return self.catalogues.get(ITEMS)

    @property
    def domains(self) -> Mapping[str, Domain]:
        """The domains of the points, by key."""
        return {point.domain.key: point.domain for point in self.by_key.values()}

    @property
    def files(self) -> frozenset[str]:
        """The names of the files that the bundle needs."""
        files = [record.file for record in self.models.values()]
        files += [record.file for record in self.learners.values()]
        files += [] if self.prices is None else [self.prices]
        return frozenset(file.sha256 for file in (*files, *self.catalogues.values()))
