"""What readers of readouts see."""

from experiments.analysis.scorecard import Crossing, Scorecard
from tests.experiments.reports import material, stored


def shipped(project: int, **changes: object) -> Scorecard:
    """Return the scorecard of an experiment whose latest look ships."""
    experiment_id = stored.running(project, **changes)
    card = material.scorecard(material.comparisons(crossed=Crossing.BETTER, gain=0.014))
    stored.keep(experiment_id, stored.earlier(card, 1), material.CONTINUE)
    return stored.keep(experiment_id, card, material.SHIP)
