"""Why something was decided for a subject: its menu is made again from what was known, and the artifact asked again."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np

from decisions.domain import FieldKind, PolicyKind
from decisions.domains.restock.stock import protection, stock_of
from decisions.moment import Catalogue, Moment
from decisions.policy import Floats, Indices
from decisions.queries.explained import Choice, DemandCurve, ExplainedMenu, Explanation, Fan, Method, Missing
from decisions.queries.points import policies_of
from decisions.queries.remembered import Remembered, experiment_of
from decisions.queries.shelves import predictor_for
from foundation.errors import DomainError
from models_registry.predictors.demand import MICROS, Demand
from models_registry.predictors.forecast import Forecast
from models_registry.predictors.protocol import Predictor
from models_registry.queries.versions import version_by_id

PROBABILITIES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
CURVE_POINTS: Final = 49
BEYOND: Final = 0.1
"""How far a curve goes on beyond the prices of the menu, as a share of the outermost ones."""
FAN_POINTS: Final = 29
FAN_INTERVALS: Final = 2.0
FAN_DAYS: Final = 14.0
"""Days of a fan where an order has to last for none."""
TOLERANCE: Final = 1e-3

_METHODS: Final[Mapping[str, Method]] = {
    PolicyKind.MODEL_RANKED: Method.MENU,
    PolicyKind.RECIPE: Method.MENU,
    PolicyKind.BASELINE: Method.MENU_BASELINE,
    PolicyKind.FIXED: Method.MENU_FIXED,
    PolicyKind.LEARNED: Method.MENU_LEARNED,
}


def explain_menu(told: Remembered) -> Explanation:
    """Return what there was to choose from for the subject of a decision, and what its model expected of each choice.

    Where the model cannot be asked again the menu is there without it, and `missing` says why.
    """
    decision = told.decision
    if not decision.met.subject:
        return Explanation(None, Missing.ROW_TOO_OLD)
    menu = _menu(told)
    found = _bare(told, menu)
    method = _METHODS.get(decision.policy)
    if decision.version is None:
        return Explanation(method, menu=found)
    try:
        predictor = predictor_for(version_by_id(decision.version), told.domain, menu)
    except DomainError as error:
        return Explanation(method, error.code, error.message, menu=found)
    asked = _question(told.moment, told, menu, predictor)
    if asked is None:
        return Explanation(method, menu=found)
    found = _asked(told, menu, predictor, asked, found)
    return Explanation(method, menu=found, differs=method is Method.MENU and _differs(told, found))


def menu_document(menu: ExplainedMenu) -> dict[str, Any]:
    """Return an explained menu as plain values for JSON."""
    return asdict(replace(menu, facts=dict(menu.facts), settings=dict(menu.settings)))


def _menu(told: Remembered) -> Catalogue:
    """Return the menu of the decision, from a catalogue of subjects that has its own alone."""
    make, met = told.domain.hooks.menu, told.decision.met
    assert make is not None
    subjects = Catalogue(
        items=(met.subject,),
        places={met.subject: 0},
        in_stock=np.ones(1, np.bool_),
        baseline=np.zeros(1, np.float32),
        fields={name: np.array([value]) for name, value in met.facts.items()},
    )
    return make(told.moment, subjects, 0, _texts(told))


def _texts(told: Remembered) -> tuple[str, ...]:
    """Return the texts of the variant, which are on the menu too where it is fixed."""
    experiment_id = experiment_of(told.decision)
    fact = None if experiment_id is None else policies_of(experiment_id).get(told.decision.variant or "")
    return () if fact is None else fact.actions


def _bare(told: Remembered, menu: Catalogue) -> ExplainedMenu:
    """Return the menu with what binds, before any model was asked."""
    hooks = told.domain.hooks
    assert hooks.bounds is not None
    names = ("", *hooks.constraint_names)
    bounds = [names[number] for number in hooks.bounds(told.moment, menu).tolist()]
    choices = tuple(Choice(text, float(text), bound) for text, bound in zip(menu.items, bounds, strict=True))
    held = menu.about.get("price", -1.0) if told.domain.actions_are is FieldKind.MONEY else 0.0
    return ExplainedMenu(
        subject=told.moment.subject,
        facts=told.decision.met.facts,
        settings=told.moment.settings,
        choices=choices,
        chosen=_named(choices, told.decision.actions[0].item),
        present=min(choices, key=lambda choice: abs(choice.amount - float(held)), default=None),
    )


def _question(moment: Moment, told: Remembered, menu: Catalogue, predictor: Predictor) -> Indices | None:
    """Return what the predictor is asked about the menu, None where it does not know the subject or too little is."""
    ask, barrier = told.domain.hooks.asked, told.domain.hooks.barrier
    if ask is None or not menu.items or (barrier is not None and barrier(moment, menu) is not None):
        return None
    asked = ask(moment, menu, {item: place for place, item in enumerate(predictor.items)})
    return asked if len(asked) else None


def _asked(
    told: Remembered, menu: Catalogue, predictor: Predictor, asked: Indices, found: ExplainedMenu
) -> ExplainedMenu:
    """Return the menu with what the predictor expects of each choice."""
    places = np.arange(len(menu.items), dtype=np.int64)
    scores = predictor.score(asked, places)
    worths = told.domain.hooks.worth(told.moment, menu, places, scores).tolist()
    expected = scores.tolist() if isinstance(predictor, Demand) else [None] * len(places)
    choices = tuple(
        replace(choice, expected=pieces, worth=worth)
        for choice, pieces, worth in zip(found.choices, expected, worths, strict=True)
    )
    chosen = None if found.chosen is None else _named(choices, found.chosen.text)
    found = replace(
        found,
        choices=choices,
        chosen=chosen,
        present=None if found.present is None else _named(choices, found.present.text),
        lower=_binding(chosen, reversed([one for one in choices if chosen and one.amount < chosen.amount])),
        higher=_binding(chosen, (one for one in choices if chosen and one.amount > chosen.amount)),
    )
    place = int(asked[0])
    if isinstance(predictor, Demand):
        return _with_curve(told, menu, predictor, place, found)
    return replace(found, fan=_fan(told, menu, predictor, place, chosen)) if isinstance(predictor, Forecast) else found


def _binding(chosen: Choice | None, beside: Iterable[Choice]) -> str:
    """Return what forbids the nearest of the choices on one side that would have been better, "" if none would."""
    if chosen is None or chosen.worth is None:
        return ""
    better = (one for one in beside if one.bound and one.worth is not None and one.worth > chosen.worth)
    return next((one.bound for one in better), "")


def _with_curve(told: Remembered, menu: Catalogue, demand: Demand, place: int, found: ExplainedMenu) -> ExplainedMenu:
    """Return the menu with the curve around its prices, and with the step that ended it where that bound."""
    amounts = [choice.amount for choice in found.choices]
    prices = np.linspace(min(amounts) * (1.0 - BEYOND), max(amounts) * (1.0 + BEYOND), CURVE_POINTS)
    elasticity, error = demand.elasticity(place)
    curve = DemandCurve(
        prices=tuple(prices.tolist()),
        pieces=tuple(demand.curve(place, prices).tolist()),
        worths=tuple(_worths(told, menu, demand, place, prices).tolist()),
        elasticity=elasticity,
        error=error,
        doubts=demand.doubts_of(place),
    )
    lower, higher = (
        found_one or ("max_step" if _ends_at_step(told, menu, demand, place, found, side) else "")
        for found_one, side in ((found.lower, -1.0), (found.higher, 1.0))
    )
    return replace(found, demand=curve, lower=lower, higher=higher)


def _ends_at_step(
    told: Remembered, menu: Catalogue, demand: Demand, place: int, found: ExplainedMenu, side: float
) -> bool:
    """Return whether a price further to one side would be better and is more than the largest step away."""
    chosen, now = found.chosen, float(menu.about["price"])
    if chosen is None or chosen.worth is None:
        return False
    beyond = chosen.amount + side * now * float(told.moment.settings["grid_step"])
    if (beyond - now) * side <= now * float(told.moment.settings["max_step"]) or beyond <= 0.0:
        return False
    return float(_worths(told, menu, demand, place, np.array([beyond]))[0]) > chosen.worth


def _worths(told: Remembered, menu: Catalogue, demand: Demand, place: int, prices: Floats) -> Floats:
    """Return what prices would bring in a day, whether or not they are on the menu."""
    asked = np.concatenate(((place,), np.rint(prices * MICROS))).astype(np.int64)
    places = np.arange(len(prices), dtype=np.int64)
    imagined = replace(menu, fields={"price": prices})
    worth = told.domain.hooks.worth(told.moment, imagined, places, demand.score(asked, places))
    return worth.astype(np.float64)


def _fan(told: Remembered, menu: Catalogue, forecast: Forecast, place: int, chosen: Choice | None) -> Fan:
    """Return the demand of the coming days, until twice the days that an order has to last."""
    stock = stock_of(menu.about)
    lasts = protection(stock, told.moment)
    days = np.linspace(0.0, FAN_INTERVALS * lasts or FAN_DAYS, FAN_POINTS)
    probabilities = np.array(PROBABILITIES)
    pieces = [forecast.quantiles(place, day, probabilities).tolist() for day in days.tolist()]
    covered = None
    if chosen is not None and lasts > 0.0:
        totals = forecast.totals(place, lasts, stock.lead_sd)
        covered = float(totals.chances[totals.totals <= stock.position + chosen.amount].sum())
    return Fan(
        days=tuple(days.tolist()),
        probabilities=PROBABILITIES,
        pieces=tuple(zip(*pieces, strict=True)),
        protection=lasts,
        position=stock.position,
        covered=covered,
    )


def _named(choices: Iterable[Choice], text: str) -> Choice | None:
    return next((choice for choice in choices if choice.text == text), None)


def _differs(told: Remembered, found: ExplainedMenu) -> bool:
    """Return whether the chosen action is worth something else now than what was logged."""
    logged, chosen = told.decision.actions[0].score, found.chosen
    if logged is None or chosen is None or chosen.worth is None:
        return chosen is None
    return abs(logged - chosen.worth) > TOLERANCE * max(abs(logged), abs(chosen.worth)) + 1e-9
