"""Tables of the report on recorded demand, and what they say in a sentence."""

from collections.abc import Mapping
from typing import Final

from decisions.domain_reports import Table, Tell
from decisions.domains.restock.training import RECIPES
from decisions.domains.restock.training.panel import Panel
from decisions.domains.restock.training.real_data.contest import Interval, Result, bootstrapped, bootstrapped_share
from decisions.domains.restock.training.real_data.costs import (
    HELD_OUT,
    LEAD,
    Costs,
    Prices,
    Rule,
    fixed_base_stock,
    fixed_lots,
    fixed_min_max,
    forecast_rule,
    naive_rule,
    simulated,
)
from models_registry.pipeline import checked_parameters

NAIVE: Final = "seasonal naive"
FIXED: Final = "fixed reorder point, order up to it"
SIMULATED: Final = ("exponential_smoothing", "intermittent", "negative_binomial")
PRICES: Final = (Prices(missing=1.0, holding=0.05), Prices(missing=1.0, holding=0.2))

Results = Mapping[str, Result | None]


def contest_table(name: str, results: Results) -> Table:
    """Return the figures of each contender on a data set, with pinball less that of the naive forecast."""
    reference = results[NAIVE]
    rows = []
    for contender, result in results.items():
        if result is None or reference is None:
            rows.append((contender, "its library is not installed", "", "", ""))
            continue
        less = "reference" if contender == NAIVE else _cell(bootstrapped(result.losses - reference.losses))
        errors, losses = bootstrapped(result.errors), bootstrapped(result.losses)
        rows.append((contender, _cell(errors), _cell(losses), less, f"{result.covered:.1%}"))
    headers = ("forecast", "MASE", "pinball", "pinball less the naive one's", "90 % coverage")
    return Table(f"Demand: {name}", "", headers, tuple(rows))


def conclusion(found: Mapping[str, Results], default: str) -> str:
    """Return how the recipe that the domain begins with stands to each other contender, by pinball and data set."""
    parts = []
    for name, results in found.items():
        own = results[default]
        said = [
            f"{_verdict(bootstrapped(own.losses - other.losses))} {contender}"
            for contender, other in results.items()
            if own is not None and other is not None and contender != default
        ]
        parts.append(f"on {name} {', '.join(said)}")
    return f"By pinball {default}, the recipe that the domain begins with, is {'; '.join(parts)}."


def cost_table(panel: Panel, *, tell: Tell, most: int | None) -> tuple[Table, str]:
    """Return what each rule would have cost, and how the recipes stand to the fixed reorder point in a sentence.

    most: how many recipes are simulated, None for all that need no network.
    """
    before = panel.between(0, panel.steps - HELD_OUT)
    rules: dict[str, Rule] = {
        FIXED: fixed_base_stock(before),
        "fixed (s, S), S a week's mean above": fixed_min_max(before),
        "fixed (R, Q), lots of a week's mean": fixed_lots(before),
        "order up to the naive quantile": naive_rule,
        **{f"order up to the quantile of {name}": _recipe_rule(name) for name in SIMULATED[:most]},
    }
    rows: list[tuple[str, ...]] = []
    said = []
    for prices in PRICES:
        found: dict[str, Costs] = {}
        for name, rule in rules.items():
            found[name] = simulated(panel, rule, prices)
            tell(f"orders at a holding cost of {prices.holding:g}: {name} cost {found[name].cost.sum():,.0f}")
            rows.append(_cost_row(name, prices, found[name], found[FIXED]))
        best = min(
            (name for name in found if name.startswith("order up to the quantile")), key=lambda one: _total(found[one])
        )
        share = bootstrapped_share(found[best].cost, found[FIXED].cost)
        said.append(f"{_percent(share)} at a holding cost of {prices.holding:g} ({best.rpartition(' ')[2]})")
    text = (
        f"811 weekly products, the last {HELD_OUT} weeks, orders every week that come {LEAD} weeks later; what is "
        "not there is lost, and every rule sees its own sales only, lost ones as a lower bound of demand. Costs are "
        "in margins of a lost piece; holding is of a piece for a week; an order itself costs nothing, which favours "
        "rules that order every week. Fixed rules are set once from the first "
        f"{panel.steps - HELD_OUT} weeks: mean and z standard deviations of lead time and review."
    )
    headers = ("orders", "holding cost", "cost", "cost by the fixed reorder point's", "pieces held a week", "fill rate")
    sentence = f"Beside the fixed reorder point, orders by the cheapest recipe change the cost by {' and '.join(said)}."
    return Table("Orders: simulated cost", text, headers, tuple(rows)), sentence


def _recipe_rule(name: str) -> Rule:
    recipe = RECIPES[name]
    return forecast_rule(recipe.foresee, checked_parameters({}, recipe.parameters))


def _cost_row(name: str, prices: Prices, costs: Costs, reference: Costs) -> tuple[str, ...]:
    less = "reference" if costs is reference else _percent(bootstrapped_share(costs.cost, reference.cost))
    return (
        name,
        f"{prices.holding:g}",
        f"{_total(costs):,.0f}",
        less,
        f"{costs.held.sum() / HELD_OUT:,.0f}",
        f"{costs.fill_rate:.1%}",
    )


def _total(costs: Costs) -> float:
    return float(costs.cost.sum())


def _verdict(less: Interval) -> str:
    if less.upper < 0.0:
        return "better than"
    return "worse than" if less.lower > 0.0 else "not told apart from"


def _cell(figure: Interval) -> str:
    return f"{figure.value:.3f} [{figure.lower:.3f}, {figure.upper:.3f}]"


def _percent(figure: Interval) -> str:
    return f"{figure.value:+.1%} [{figure.lower:+.1%}, {figure.upper:+.1%}]"
