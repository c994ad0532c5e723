"""Triggered analysis: what an effect on the units that could meet the change means for all units."""

import math

from experiments.statistics.pair import ArmEstimate, Pair, Restricted
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid


def trigger_rate(triggered: int, units: int) -> float | Undefined:
    """Return the share f of both arms' units that triggered. Raises RowsInvalid when more triggered than there are."""
    if not 0 <= triggered <= units:
        raise RowsInvalid(
            f"triggered: must be between 0 and {units}, not {triggered}", hint="Count both arms, each unit once."
        )
    return triggered / units if triggered else Undefined(UndefinedReason.NO_DATA)


def diluted(triggered: Pair, untriggered_control: ArmEstimate, units: int) -> Pair | Undefined:
    """Return the pair of all units: control f m_c + (1 - f) m_u, difference f times the triggered one.

    The rate f counts as known. Units that did not trigger have no effect and are shared: their control mean stands in
    both arms, so its noise is the arms' covariance. The lift is that of the whole (`lift.fieller`), never f times the
    triggered lift. Additive metrics per unit; the trigger must be logged in both arms alike (Deng & Hu 2015).
    """
    rate = trigger_rate(triggered.control.n + triggered.treatment.n, units)
    if isinstance(rate, Undefined):
        return rate
    own, shared = rate * rate, (1.0 - rate) * (1.0 - rate) * untriggered_control.variance
    base = (1.0 - rate) * untriggered_control.mean if rate < 1.0 else 0.0
    restricted = triggered.restricted
    if restricted is not None:
        restricted = Restricted(
            own * restricted.control + shared, own * restricted.treatment + shared, restricted.units
        )
    return Pair(
        ArmEstimate(
            triggered.control.n, rate * triggered.control.mean + base, own * triggered.control.variance + shared
        ),
        ArmEstimate(
            triggered.treatment.n, rate * triggered.treatment.mean + base, own * triggered.treatment.variance + shared
        ),
        own * triggered.covariance + shared,
        triggered.df,
        restricted,
    )


def disagreement_z(from_triggered: Pair, from_all: Pair) -> float | Undefined:
    """Return z of the estimate from all units against the diluted one: large means effects without a trigger.

    (d_all - d_diluted) / sqrt(V_all - V_diluted): the difference is the untriggered units' part, independent of the
    diluted estimate (Hausman 1978). Undefined where triggering saves no variance.
    """
    saved = from_all.variance - from_triggered.variance
    if not saved > 0.0:
        return Undefined(UndefinedReason.NO_VARIANCE)
    return (from_all.difference - from_triggered.difference) / math.sqrt(saved)
