"""From a policy's choices to a slate of which no two actions belong to one group."""

import numpy as np

from decisions.moment import Bools
from decisions.policies.ranked import Baseline
from decisions.policy import Choices, Indices, Policy, Slate
from decisions.serving.scene import Scene


def choose_slate(policy: Policy, choices: Choices, scene: Scene, *, size: int) -> Slate:
    """Return at most `size` of the choices.

    Where the domain groups its actions they are chosen one by one: after each, those of its group are no candidates any
    more, so that every propensity is exact given the actions before it.
    """
    groups = scene.shelf.groups
    if groups is None:
        return policy.choose(choices, size=size)
    parts: list[Slate] = []
    left = choices
    while len(parts) < size and len(left.candidates):
        part = policy.choose(left, size=1)
        if not len(part.actions):
            break
        parts.append(part)
        left = _without(left, groups, part.actions)
    return _joined(parts, choices)


def filled_up(slate: Slate, scene: Scene) -> Indices:
    """Return what the baseline adds to a slate that is shorter than it could be."""
    missing = scene.size - len(slate.actions)
    if missing <= 0 or len(slate.actions) == len(scene.candidates):
        return scene.candidates[:0]
    rest = Choices(scene.candidates, scene.baseline_of(scene.candidates))
    rest = _kept(rest, ~np.isin(rest.candidates, slate.actions))
    if scene.shelf.groups is not None and len(slate.actions):
        rest = _without(rest, scene.shelf.groups, slate.actions)
    return choose_slate(Baseline(), rest, scene, size=missing).actions


def _without(choices: Choices, groups: Indices, actions: Indices) -> Choices:
    """Return the choices that are left beside these actions, with other chance than before."""
    own = groups[choices.candidates]
    taken = groups[actions]
    gone = np.isin(choices.candidates, actions) | np.isin(own, taken[taken >= 0])
    return _kept(choices, ~gone)


def _kept(choices: Choices, kept: Bools) -> Choices:
    return Choices(
        candidates=choices.candidates[kept],
        baseline=choices.baseline[kept],
        scores=None if choices.scores is None else choices.scores[kept],
        features=None if choices.features is None else choices.features[kept],
        seed=choices.seed + 1,
        subject=choices.subject,
    )


def _joined(parts: list[Slate], choices: Choices) -> Slate:
    if not parts:
        return Slate(choices.candidates[:0], (), choices.baseline[:0])
    features = [part.features for part in parts if part.features is not None]
    return Slate(
        actions=np.concatenate([part.actions for part in parts]),
        propensities=tuple(propensity for part in parts for propensity in part.propensities),
        scores=np.concatenate([part.scores for part in parts]),
        features=np.concatenate(features) if features else None,
    )
