"""A logged decision with the moment as far as its row still tells it."""

from dataclasses import dataclass
from types import MappingProxyType

from decisions.domain import Domain, LogKind
from decisions.models import PointExperiment
from decisions.moment import Moment
from decisions.queries.made import DecisionFacts


@dataclass(frozen=True, slots=True)
class Remembered:
    """A decision, its domain, and what was known when it was made.

    What the unit had bought, which actions were excluded or asked about alone, and how often others than those chosen
    were shown is not kept: the moment has none of it.
    """

    decision: DecisionFacts
    domain: Domain
    moment: Moment

    @property
    def reads_history(self) -> bool:
        """Whether models of the domain read what a unit dealt with."""
        return self.domain.log is LogKind.INTERACTIONS

    @property
    def is_too_old(self) -> bool:
        """Whether the row is of before what models read was kept with it."""
        met = self.decision.met
        return met.removed is None or (self.reads_history and self.decision.history > 0 and not met.history_items)


def remembered(decision: DecisionFacts, domain: Domain) -> Remembered:
    """Return a decision with its moment."""
    met = decision.met
    moment = Moment(
        at=decision.at or decision.received_at,
        personalised=decision.personalised,
        attributes=met.attributes,
        context=met.context,
        history=met.history_items,
        bought=(),
        shown=met.shown,
        excluded=(),
        only=None,
        size=max(1, len(decision.actions)),
        arm=_arm(decision),
        subject=met.subject,
        settings=MappingProxyType(
            {name: met.settings.get(name, setting.default) for name, setting in domain.settings.items()}
        ),
    )
    return Remembered(decision, domain, moment)


def experiment_of(decision: DecisionFacts) -> int | None:
    """Return the id of the experiment that decided, None where there was none or it is not at a decision point."""
    if decision.experiment is None:
        return None
    bound = PointExperiment.objects.filter(
        experiment__project_id=decision.project_id, experiment__key=decision.experiment
    )
    return bound.values_list("experiment_id", flat=True).first()


def _arm(decision: DecisionFacts) -> str:
    """Return the arm whose pace the decision had, as edges name it; "" outside of experiments."""
    if decision.variant is None:
        return ""
    experiment_id = experiment_of(decision)
    return "" if experiment_id is None else f"{experiment_id}.{decision.variant}"
