"""Post-stratification: per-stratum pairs into one, weighted by the strata's units in both arms."""

from collections.abc import Sequence

from experiments.statistics.means import satterthwaite
from experiments.statistics.pair import ArmEstimate, Pair, Restricted
from experiments.statistics.results import Undefined, UndefinedReason


def combine(strata: Sequence[Pair]) -> Pair | Undefined:
    """Return the post-stratified pair: m_a = sum p_k m_ak with p_k = n_k / n, n_k over both arms.

    V_a = sum p_k^2 V_ak + (sum p_k m_ak^2 - m_a^2) / n, and C likewise, so that Var(difference) has the
    superpopulation term (sum p_k delta_k^2 - delta^2) / n for strata of random size (Miratrix, Sekhon & Yu 2013).
    """
    if not strata:
        return Undefined(UndefinedReason.NO_COMMON_STRATUM)
    if len(strata) == 1:
        return strata[0]
    units = sum(pair.control.n + pair.treatment.n for pair in strata)
    shares = [(pair.control.n + pair.treatment.n) / units for pair in strata]
    control = sum(p * pair.control.mean for p, pair in zip(shares, strata, strict=True))
    treatment = sum(p * pair.treatment.mean for p, pair in zip(shares, strata, strict=True))
    between_control = between_treatment = between_both = 0.0
    for p, pair in zip(shares, strata, strict=True):
        off_control, off_treatment = pair.control.mean - control, pair.treatment.mean - treatment
        between_control += p * off_control * off_control / units
        between_treatment += p * off_treatment * off_treatment / units
        between_both += p * off_control * off_treatment / units
    within = [(p * p, pair) for p, pair in zip(shares, strata, strict=True)]
    components = [
        (w * (pair.control.variance + pair.treatment.variance - 2.0 * pair.covariance), pair.df) for w, pair in within
    ]
    components.append((between_control + between_treatment - 2.0 * between_both, units - 1))
    restricted: Restricted | None = None
    if any(pair.restricted is not None for pair in strata):
        restricted = Restricted(
            sum(w * _restricted_control(pair) for w, pair in within) + between_control,
            sum(w * _restricted_treatment(pair) for w, pair in within) + between_treatment,
            units,
        )
    return Pair(
        ArmEstimate(
            sum(pair.control.n for pair in strata),
            control,
            sum(w * pair.control.variance for w, pair in within) + between_control,
        ),
        ArmEstimate(
            sum(pair.treatment.n for pair in strata),
            treatment,
            sum(w * pair.treatment.variance for w, pair in within) + between_treatment,
        ),
        sum(w * pair.covariance for w, pair in within) + between_both,
        satterthwaite(components),
        restricted,
    )


def _restricted_control(pair: Pair) -> float:
    return pair.control.variance if pair.restricted is None else pair.restricted.control


def _restricted_treatment(pair: Pair) -> float:
    return pair.treatment.variance if pair.restricted is None else pair.restricted.treatment
