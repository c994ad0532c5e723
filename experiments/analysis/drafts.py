"""The data of each comparison, put together: strata that both arms share, their moments, the effect and the look."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from experiments.analysis.estimate import Estimated, Stratified, estimate, without_cap
from experiments.analysis.inputs import AnalysisInputs, ClusterSums, PastLook, Stratum
from experiments.analysis.looks import Look, look_at
from experiments.analysis.metrics import divisors, variables
from experiments.analysis.period_estimates import cell_effect
from experiments.analysis.plan import Adjustment, AnalysisPlan, PlannedMetric
from experiments.analysis.scorecard import ArmFigures
from experiments.statistics.moments import Moments, MomentsInvalid, PowerSums
from experiments.statistics.results import Undefined, UndefinedReason


@dataclass(frozen=True, slots=True)
class Draft:
    """One comparison before anything is decided: the estimate, or why there is none, and where it stands."""

    metric: PlannedMetric
    variant: str
    reference: str
    estimated: Estimated | Undefined
    uncapped: Estimated | Undefined | None
    look: Look | None
    control: ArmFigures
    treatment: ArmFigures
    unfiltered: Estimated | Undefined | None = None

    @property
    def z(self) -> float | None:
        """The normal deviate of the difference, or None without an estimate."""
        return None if isinstance(self.estimated, Undefined) else self.estimated.effect.z()


@dataclass(slots=True)
class Drafter:
    """Makes drafts from the plan and the inputs; converts each exact sum to moments once."""

    plan: AnalysisPlan
    inputs: AnalysisInputs
    days: float | None
    _sums: dict[tuple[str, str, str], PowerSums] = field(default_factory=dict)
    _moments: dict[tuple[str, str, str], Moments | Undefined] = field(default_factory=dict)
    _past: dict[tuple[str, str, str], tuple[PastLook, ...]] = field(default_factory=dict)
    _clusters: dict[tuple[str, str], ClusterSums] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._past = self.inputs.history.by_comparison()
        self._clusters = {(entry.metric, entry.variant): entry for entry in self.inputs.clusters}
        for entry in self.inputs.sums:
            key = (entry.metric, entry.variant, entry.stratum)
            self._sums[key] = self._sums[key].merge(entry.sums) if key in self._sums else entry.sums

    def draft(self, metric: PlannedMetric, variant: str, reference: str) -> Draft:
        """Return the draft of one metric for a variant against a reference variant."""
        key = metric.spec.key
        strata = self.shared_strata(key, variant, reference)
        control, treatment = self.arm(metric, reference, strata), self.arm(metric, variant, strata)
        figures = [self._figures(metric, arm, strata) for arm in (reference, variant)]
        estimated: Estimated | Undefined
        uncapped: Estimated | Undefined | None = None
        if isinstance(control, Undefined) or isinstance(treatment, Undefined):
            problem = control if isinstance(control, Undefined) else treatment
            assert isinstance(problem, Undefined)
            estimated = problem
        else:
            estimated, uncapped = self._estimated(metric, variant, reference, control, treatment)
        look = None
        if isinstance(estimated, Estimated):
            past = self._past.get((key, variant, reference), ())
            nonzero = sum(arm.n if arm.nonzero is None else arm.nonzero for arm in figures)
            look = look_at(
                self.plan, metric, estimated.effect, past, days=self.days, nonzero=nonzero, is_last=self.inputs.is_last
            )
        everybody = self._with_everybody(metric, variant, reference, strata)
        return Draft(metric, variant, reference, estimated, uncapped, look, figures[0], figures[1], everybody)

    def _estimated(
        self, metric: PlannedMetric, variant: str, reference: str, control: Stratified, treatment: Stratified
    ) -> tuple[Estimated | Undefined, Estimated | Undefined | None]:
        """Return the effect, and what it is before the cap where the metric has one; the plan says over what."""
        capped = metric.spec.cap_micros is not None
        if self.plan.periods is not None:
            arms = [self._clusters.get((metric.spec.key, arm)) for arm in (reference, variant)]
            before = cell_effect(metric.spec, *arms, numerator="y_uncapped") if capped else None
            return cell_effect(metric.spec, *arms), before
        found = estimate(metric.spec.kind, control, treatment, adjust=self.plan.adjustment)
        return found, self._without_cap(metric, control, treatment) if capped else None

    def shared_strata(self, metric: str, variant: str, reference: str) -> tuple[Stratum, ...]:
        """Return the strata in which both variants take new units and have two or more; if none, those they share."""
        shared = [
            stratum
            for stratum in self.inputs.strata
            if stratum.weights.get(variant, 0) > 0 and stratum.weights.get(reference, 0) > 0
        ]
        full = [
            stratum
            for stratum in shared
            if all(self._units(metric, arm, stratum.key) >= 2 for arm in (variant, reference))
        ]
        return tuple(full or shared)

    def arm(self, metric: PlannedMetric, variant: str, strata: Sequence[Stratum]) -> Stratified | Undefined:
        """Return one arm's moments by stratum, or that they are too large to compute with."""
        parts = []
        for stratum in strata:
            found = self.moments(metric, variant, stratum.key)
            if isinstance(found, Undefined):
                return found
            parts.append(found)
        return Stratified(tuple(parts))

    def moments(self, metric: PlannedMetric, variant: str, stratum: str) -> Moments | Undefined:
        """Return the moments of one metric in one variant and stratum, in own units."""
        key = (metric.spec.key, variant, stratum)
        if key not in self._moments:
            units = divisors(metric.spec, source=self.inputs.source)
            try:
                self._moments[key] = Moments.from_power_sums(self.sums(metric, variant, stratum), units)
            except MomentsInvalid:
                self._moments[key] = Undefined(UndefinedReason.OVERFLOW)
        return self._moments[key]

    def sums(self, metric: PlannedMetric, variant: str, stratum: str) -> PowerSums:
        """Return the exact sums of one metric in one variant and stratum; zero when none were given."""
        found = self._sums.get((metric.spec.key, variant, stratum))
        if found is not None:
            return found
        same = next((sums for (name, _, _), sums in self._sums.items() if name == metric.spec.key), None)
        names = tuple(v.name for v in variables(metric.spec, source=self.inputs.source)) if same is None else same.names
        return PowerSums.zero(names)

    def _units(self, metric: str, variant: str, stratum: str) -> int:
        found = self._sums.get((metric, variant, stratum))
        return 0 if found is None else found.n

    def _without_cap(
        self, metric: PlannedMetric, control: Stratified, treatment: Stratified
    ) -> Estimated | Undefined | None:
        if any("y_uncapped" not in part.names for part in (*control.strata, *treatment.strata)):
            return None
        return estimate(metric.spec.kind, without_cap(control), without_cap(treatment), adjust=Adjustment.NONE)

    def _with_everybody(
        self, metric: PlannedMetric, variant: str, reference: str, strata: Sequence[Stratum]
    ) -> Estimated | Undefined | None:
        """Return the effect with the units that filters left out, or None where the plan has no filter."""
        if not self.inputs.unfiltered:
            return None
        sums: dict[tuple[str, str], PowerSums] = {}
        for entry in self.inputs.unfiltered:
            if entry.metric == metric.spec.key:
                place = (entry.variant, entry.stratum)
                sums[place] = sums[place].merge(entry.sums) if place in sums else entry.sums
        units = divisors(metric.spec, source=self.inputs.source)
        nobody = PowerSums.zero(tuple(units))
        try:
            arms = [
                Stratified(
                    tuple(Moments.from_power_sums(sums.get((arm, stratum.key), nobody), units) for stratum in strata)
                )
                for arm in (reference, variant)
            ]
        except MomentsInvalid:
            return Undefined(UndefinedReason.OVERFLOW)
        return estimate(metric.spec.kind, arms[0], arms[1], adjust=self.plan.adjustment)

    def _figures(self, metric: PlannedMetric, variant: str, strata: Sequence[Stratum]) -> ArmFigures:
        exact = [self.sums(metric, variant, stratum.key) for stratum in strata]
        n = sum(part.n for part in exact)
        numerator = _own(sum(part.total("y") for part in exact), metric.spec.numerator.divisor)
        denominator: float | None = None
        if metric.spec.denominator is not None:
            total = sum(part.total("d") for part in exact)
            denominator = _own(total, metric.spec.denominator.divisor)
        counted = [part.count_nonzero("y") for part in exact if part.n]
        nonzero = sum(count for count in counted if count is not None) if None not in counted else None
        base = n if denominator is None and metric.spec.denominator is None else denominator
        value = numerator / base if numerator is not None and base else None
        return ArmFigures(variant, n, numerator, denominator, nonzero, value, None, None)


def _own(total: int, divisor: int) -> float | None:
    """Return an exact total in own units, or None when it leaves the floats."""
    try:
        return total / divisor
    except OverflowError:
        return None
