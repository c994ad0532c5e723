"""What must be true of an experiment at a decision point before it may start; registered with the launch checks."""

from collections.abc import Iterable, Mapping

from decisions.domain import PolicyKind
from decisions.queries.points import PointFacts, PolicyFacts, experiments_at, point_of_experiment, policies_of
from decisions.registry import domain_of
from experiments.launch_checks import Design, LaunchProblem, changes_what_is_paid
from experiments.lifecycle import SERVING
from experiments.queries.standing import standing_of, standings
from models_registry.artifacts import ArtifactRefused
from models_registry.predictors.loading import predictor_of
from models_registry.queries.aliases import holder_of
from models_registry.queries.schedules import newest_passed
from models_registry.queries.versions import VersionFacts, verified_artifact, versions_by_id
from models_registry.vocabulary import AliasName

_READ_DEEDS = (PolicyKind.MODEL_RANKED, PolicyKind.RECIPE, PolicyKind.LEARNED)


def decision_problems(design: Design) -> Iterable[LaunchProblem]:
    """Yield what keeps an experiment at a decision point from starting; nothing for any other experiment."""
    point = point_of_experiment(design.id)
    if point is None:
        return
    policies = policies_of(design.id)
    missing = [variant.key for variant in design.variants if variant.key not in policies]
    if missing:
        yield LaunchProblem(
            "POLICY_MISSING", f"Nothing says what {', '.join(missing)} does at {point.key}.", "Choose its policy."
        )
        return
    versions = versions_by_id(fact.version for fact in policies.values() if fact.version is not None)
    yield from _unit(design, point)
    yield from _versions(point, policies, versions)
    yield from _recipes(policies)
    yield from _control(point, policies)
    yield from _personal(design, point, policies)
    yield from _payable(design, point, policies)
    yield from _alone(design, point)


def _unit(design: Design, point: PointFacts) -> Iterable[LaunchProblem]:
    domain = domain_of(point.domain)
    if design.unit_kind not in domain.unit_kinds:
        allowed = ", ".join(domain.unit_kinds)
        yield LaunchProblem(
            "UNIT_NOT_OF_DOMAIN",
            f"{domain.name} decides for {allowed}, not for {design.unit_kind}.",
            f"Randomise by {allowed}.",
        )


def _versions(
    point: PointFacts, policies: Mapping[str, PolicyFacts], versions: Mapping[int, VersionFacts]
) -> Iterable[LaunchProblem]:
    for fact in policies.values():
        if fact.version is None:
            continue
        version = versions[fact.version]
        name = f"{version.model.key} v{version.number}"
        if version.model.id != point.model_id:
            yield LaunchProblem(
                "VERSION_FOREIGN",
                f"Variant {fact.variant} pins {name}, which is no version of the decision point's model.",
                "Pin a version of that model.",
            )
        if not version.gate_passed:
            yield LaunchProblem("GATE_NOT_PASSED", f"{name} has not passed its offline gate.", "Pin one that has.")
        try:
            predictor_of(verified_artifact(version))
        except ArtifactRefused as error:
            yield LaunchProblem("ARTIFACT", f"{name} cannot be loaded: {error.message}", error.hint)


def _recipes(policies: Mapping[str, PolicyFacts]) -> Iterable[LaunchProblem]:
    for fact in policies.values():
        if fact.schedule is not None and newest_passed(fact.schedule) is None:
            yield LaunchProblem(
                "RECIPE_WITHOUT_VERSION",
                f"Variant {fact.variant} serves what a schedule trains, and no version of it has passed its gate yet.",
                "Wait for its first training, or ask for one now.",
            )


def _control(point: PointFacts, policies: Mapping[str, PolicyFacts]) -> Iterable[LaunchProblem]:
    champion = None if point.model_id is None else holder_of(point.model_id, AliasName.CHAMPION)
    control = next((fact for fact in policies.values() if fact.control), None)
    if control is None:  # told by the checks of the design
        return
    if control.version != champion or (champion is None and control.policy is not PolicyKind.BASELINE):
        served = "the baseline" if champion is None else "the champion"
        yield LaunchProblem(
            "CONTROL_NOT_CHAMPION",
            f"The control is not what serves at {point.key} today.",
            f"Let the control be {served}: a win over anything else could not be promoted.",
        )


def _personal(design: Design, point: PointFacts, policies: Mapping[str, PolicyFacts]) -> Iterable[LaunchProblem]:
    uses_model = any(fact.policy in _READ_DEEDS for fact in policies.values())
    if uses_model and domain_of(point.domain).personal and not standing_of(design.id).personalised:
        yield LaunchProblem(
            "NOT_MARKED_PERSONAL",
            "A variant reads what shoppers did, and the experiment does not say that it uses personal data.",
            "Tick “uses personal data”: shoppers who switch personalisation off then stay out of it.",
        )


def _payable(design: Design, point: PointFacts, policies: Mapping[str, PolicyFacts]) -> Iterable[LaunchProblem]:
    readers = [fact.variant for fact in policies.values() if fact.policy in _READ_DEEDS]
    if readers and domain_of(point.domain).personal and changes_what_is_paid(design):
        yield LaunchProblem(
            "PAYABLE_BY_DEEDS",
            f"It changes what a person pays, and {', '.join(readers)} reads what a person did to decide about it.",
            "Let the variants be decided by the baseline or by fixed actions. Nobody can lift this.",
        )


def _alone(design: Design, point: PointFacts) -> Iterable[LaunchProblem]:
    """Two experiments may decide at one point only where their layer keeps their units apart."""
    layer = standing_of(design.id).layer_id
    for other in standings(experiments_at(point.id)).values():
        if other.id != design.id and other.status in SERVING and (layer is None or other.layer_id != layer):
            yield LaunchProblem(
                "POINT_TAKEN",
                f"The experiment {other.key} decides at {point.key} already.",
                "Put both into one layer with ranges of their own, or wait until it is concluded.",
            )
