"""What pricing does for an item: the prices that there are for it, and which of them may be asked for."""

from typing import Final

from decisions.domain import Hooks, by_bounds
from decisions.domains.pricing.constraints import CONSTRAINTS, barrier, bounds
from decisions.domains.pricing.features import FEATURES, action_features
from decisions.domains.pricing.menu import fixed, fixed_fault, menu
from decisions.domains.pricing.worth import asked, baseline, worth

HOOKS: Final = Hooks(
    eligible=by_bounds(bounds, CONSTRAINTS),
    worth=worth,
    constraint_names=CONSTRAINTS,
    baseline=baseline,
    menu=menu,
    bounds=bounds,
    asked=asked,
    fixed=fixed,
    fixed_fault=fixed_fault,
    barrier=barrier,
    action_features=action_features,
    feature_names=FEATURES,
)
