"""From one state of a learning policy to the next: a pure function of settings, state and batch. Off the hot path."""

from dataclasses import dataclass

import numpy as np

from decisions.learning import LearnerKind
from decisions.learning.batches import Batch, Folded, usable
from decisions.learning.best import probability_best
from decisions.learning.beta import Floats, updated
from decisions.learning.demand import level_of, seen
from decisions.learning.draws import posterior_draws
from decisions.learning.gaussian import Gaussian, isotropic, linear_update, refreshed
from decisions.learning.logistic import logistic_update
from decisions.learning.settings import LearnerSettings
from decisions.learning.state import (
    MOST_ARMS,
    MOST_PRICED,
    BetaSnapshot,
    DemandSnapshot,
    LearnerSnapshot,
    WeightsSnapshot,
)
from foundation.errors import DomainError


class TooManyArms(DomainError):
    """There are more actions than a policy can keep a rate of each; what was known before stays."""

    code = "LEARNER_TOO_MANY_ARMS"
    hint = "Learn weights of features instead: they know actions that were never shown."


@dataclass(frozen=True, slots=True)
class Scheme:
    """What never changes about a learning policy. features: names, for the kinds that learn weights of them."""

    kind: LearnerKind
    settings: LearnerSettings
    floor: float
    salt: str
    features: tuple[str, ...] = ()


def prior_state(scheme: Scheme) -> LearnerSnapshot:
    """Return what a learning policy knows before the first reward."""
    if scheme.kind is LearnerKind.BETA:
        return _rates(scheme, (), np.zeros((0, 2)))
    if scheme.kind is LearnerKind.DEMAND:
        prior = scheme.settings.demand
        nothing = np.zeros((0, prior.steps))
        return DemandSnapshot(scheme.floor, prior, (), np.zeros(0), nothing, nothing)
    return _weights(scheme, _prior(scheme))


def fold(
    state: LearnerSnapshot, batch: Batch, scheme: Scheme, *, periods: float = 1.0
) -> tuple[LearnerSnapshot, Folded]:
    """Return the state after a batch, and what became of its rows; equal arguments give equal states.

    periods: over how many periods of updates the batch goes; so often what was known before fades by the discount. Rows
    that cannot be learnt from are left out. Raises TooManyArms, LogisticUnsettled; then there is no new state.
    """
    rows, folded = usable(batch, scheme.settings)
    kept = scheme.settings.discount**periods
    if isinstance(state, BetaSnapshot):
        return _fold_rates(state, rows, scheme, kept), folded
    if isinstance(state, DemandSnapshot):
        return _fold_demand(state, rows, kept), folded
    posterior = refreshed(state.posterior, _prior(scheme), kept=kept)
    if len(rows):
        posterior = _learnt(posterior, rows, scheme)
    return _weights(scheme, posterior), folded


def _fold_rates(state: BetaSnapshot, rows: Batch, scheme: Scheme, kept: float) -> BetaSnapshot:
    items = _met(state.items, rows, most=MOST_ARMS)
    places = {item: place for place, item in enumerate(items)}
    prior = scheme.settings.beta
    counts = np.tile(np.array([prior.alpha, prior.beta]), (len(items), 1))
    counts[[places[item] for item in state.items]] = state.counts
    of_row = np.array([places.get(item, 0) for item in rows.item_ids], dtype=np.int64)[rows.items]
    rewards = np.bincount(of_row, weights=rows.rewards, minlength=len(items))
    shown = np.bincount(of_row, minlength=len(items))
    seen = np.stack([rewards, shown - rewards], axis=1)
    return _rates(scheme, items, updated(counts, prior, seen, kept=kept))


def _fold_demand(state: DemandSnapshot, rows: Batch, kept: float) -> DemandSnapshot:
    """Return what is known after some prices held: pieces and days are added to what is left of those before."""
    assert rows.features is not None
    assert rows.days is not None
    prior = state.prior
    items = _met(state.items, rows, most=MOST_PRICED)
    places = {item: place for place, item in enumerate(items)}
    before = np.array([places[item] for item in state.items], dtype=np.int64)
    of_row = np.array([places.get(item, 0) for item in rows.item_ids], dtype=np.int64)[rows.items]
    level = np.zeros(len(items))
    for place, row in zip(*(found.tolist() for found in np.unique(of_row, return_index=True)), strict=True):
        _share, _margin, usual, present = rows.features[row].tolist()
        level[place] = level_of(usual, present, prior=prior)
    level[before] = state.level
    new = seen(rows.features, rows.rewards, rows.days, prior=prior)
    cells = of_row[new.rows], new.steps
    pieces, days = (np.zeros((len(items), prior.steps)) for _ in range(2))
    pieces[before], days[before] = kept * state.pieces, kept * state.days
    np.add.at(pieces, cells, new.pieces)
    np.add.at(days, cells, new.days)
    return DemandSnapshot(state.floor, prior, items, level, pieces, days)


def _met(known: tuple[str, ...], rows: Batch, *, most: int) -> tuple[str, ...]:
    """Return the ids that were known or are met now, in their order. Raises TooManyArms."""
    met = {rows.item_ids[place] for place in np.unique(rows.items).tolist()}
    items = tuple(sorted(met | set(known)))
    if len(items) > most:
        raise TooManyArms(f"There are {len(items)} actions; {most} are the most.")
    return items


def _rates(scheme: Scheme, items: tuple[str, ...], counts: Floats) -> BetaSnapshot:
    prior = scheme.settings.beta
    best = probability_best(np.concatenate([counts, [[prior.alpha, prior.beta]]]))
    return BetaSnapshot(
        floor=scheme.floor,
        items=items,
        counts=counts,
        best=best[:-1].copy(),
        best_unseen=float(best[-1]),
        unseen_rate=prior.alpha / (prior.alpha + prior.beta),
    )


def _prior(scheme: Scheme) -> Gaussian:
    means = [scheme.settings.prior_mean.get(name, 0.0) for name in scheme.features]
    return isotropic(np.array([*means, 0.0]), scheme.settings.prior_variance)


def _learnt(posterior: Gaussian, rows: Batch, scheme: Scheme) -> Gaussian:
    """Return the posterior after some rows, with the place in the slate as one feature more.

    What stands further down is seen less. For all that compete for a place that is the same, so choosing can leave it
    out; learning cannot, or what stood at the top would look better than it is.
    """
    assert rows.features is not None
    features = np.concatenate([rows.features, np.log1p(rows.positions.astype(np.float64))[:, None]], axis=1)
    if scheme.kind is LearnerKind.LOGISTIC:
        return logistic_update(posterior, features, rows.rewards)
    return linear_update(posterior, features, rows.rewards, noise_variance=scheme.settings.noise_variance)


def _weights(scheme: Scheme, posterior: Gaussian) -> WeightsSnapshot:
    draws = posterior_draws(posterior, salt=scheme.salt)[:, : len(scheme.features)]
    return WeightsSnapshot(scheme.kind, scheme.floor, scheme.features, posterior, np.ascontiguousarray(draws))
