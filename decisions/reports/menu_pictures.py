"""The pictures of an explained menu: demand and what it brings over the price, or a fan of demand and what orders cost.

They show no more than the table of the page says in figures.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from django.utils.translation import gettext as _

from decisions.queries.explained import Choice, DemandCurve, ExplainedMenu, Fan
from decisions.reports.pictures import Band, Dot, Picture, Plot, Point, plot_of
from experiments.reports.wording import Text


def constraints_of(menu: ExplainedMenu) -> tuple[str, ...]:
    """Return the names of what forbids something on the menu, in the order of the amounts; the legend numbers them."""
    return tuple(dict.fromkeys(choice.bound for choice in menu.choices if choice.bound))


def reach_of(menu: ExplainedMenu) -> tuple[float, float] | None:
    """Return the lowest and the highest price that one step can reach, None where prices are not what is decided."""
    now, step = menu.facts.get("price"), menu.settings.get("max_step")
    if menu.demand is None or now is None or not isinstance(step, float):
        return None
    return now * (1.0 - step), now * (1.0 + step)


def demand_pictures(menu: ExplainedMenu, curve: DemandCurve, *, brings: Text, currency: str) -> tuple[Picture, ...]:
    """Return demand, and what it brings in a day, over the price. brings: profit or revenue, as the axis says it."""
    told = {"brings": brings, "currency": currency}
    return (
        _over_price(
            menu,
            list(zip(curve.prices, curve.pieces, strict=True)),
            [(choice.amount, choice.expected) for choice in _marked(menu)],
            told=_("Demand over the price; it falls as the price rises. The table has the figures."),
            caption=_("Expected pieces a day, over the price in %(currency)s.") % told,
        ),
        _over_price(
            menu,
            list(zip(curve.prices, curve.worths, strict=True)),
            [(choice.amount, choice.worth) for choice in _marked(menu)],
            told=_("What a day brings, over the price. The table has the figures."),
            caption=_("Expected %(brings)s of a day in %(currency)s, over the price in %(currency)s.") % told,
        ),
    )


def fan_picture(menu: ExplainedMenu, fan: Fan) -> Picture:
    """Return total demand until each of the coming days, beside the stock with and without the order."""
    ordered = 0.0 if menu.chosen is None else menu.chosen.amount
    highest = max(*fan.pieces[-1], fan.position + ordered)
    plot = plot_of(fan.days, [0.0, highest], from_zero=True)
    lowest, low, middle, high, top = ([*zip(fan.days, series, strict=True)] for series in fan.pieces)
    levels = [plot.across(fan.position, _("without the order"), "present")]
    if ordered:
        levels.append(plot.across(fan.position + ordered, _("with the order"), "chosen"))
    if fan.protection > 0.0:
        levels.append(plot.upright(fan.protection, _("next order"), "until"))
    return Picture(
        told=_("Demand of the coming days as a fan, beside the stock with and without the order."),
        caption=_(
            "Pieces that are demanded in all, over the coming days: the middle line as likely as not, the dark band "
            "with a probability of 50%, the light one of 90%."
        ),
        xs=plot.x_ticks(),
        ys=plot.y_ticks(),
        areas=(plot.shape([*lowest, *reversed(top)], "wide"), plot.shape([*low, *reversed(high)], "narrow")),
        lines=(plot.shape(middle, "path"),),
        levels=tuple(levels),
    )


def cost_picture(menu: ExplainedMenu, *, currency: str) -> Picture | None:
    """Return the expected cost over the quantity of the order, None where no model was asked."""
    points = [(choice.amount, -choice.worth) for choice in menu.choices if choice.worth is not None]
    if len(points) < 2:
        return None
    plot = plot_of([x for x, _y in points], [y for _x, y in points], from_zero=True)
    marked = [(one.amount, None if one.worth is None else -one.worth) for one in _marked(menu)]
    return Picture(
        told=_("The expected cost over the size of the order. The table has the figures."),
        caption=_("Expected cost in %(currency)s, over the pieces that are ordered.") % {"currency": currency},
        xs=plot.x_ticks(),
        ys=plot.y_ticks(),
        lines=(plot.shape(points, "path"),),
        dots=_dots(plot, menu, marked),
        bands=tuple(_bands(plot, menu)),
    )


def _over_price(
    menu: ExplainedMenu,
    points: Sequence[Point],
    marked: Sequence[tuple[float, float | None]],
    *,
    told: str,
    caption: str,
) -> Picture:
    plot = plot_of([x for x, _y in points], [y for _x, y in points])
    return Picture(
        told=told,
        caption=caption,
        xs=plot.x_ticks(),
        ys=plot.y_ticks(),
        lines=(plot.shape(points, "path"),),
        dots=_dots(plot, menu, marked),
        bands=tuple(_bands(plot, menu)),
    )


def _marked(menu: ExplainedMenu) -> tuple[Choice, ...]:
    """Return the present choice, then the one that was decided, which is drawn over it."""
    return tuple(choice for choice in (menu.present, menu.chosen) if choice is not None)


def _dots(plot: Plot, menu: ExplainedMenu, marked: Sequence[tuple[float, float | None]]) -> tuple[Dot, ...]:
    kinds = ["chosen" if choice is menu.chosen else "present" for choice in _marked(menu)]
    return tuple(plot.dot((x, y), kind) for (x, y), kind in zip(marked, kinds, strict=True) if y is not None)


def _bands(plot: Plot, menu: ExplainedMenu) -> Iterator[Band]:
    """Yield where the menu is not to be had: from half way to the last choice that is, to half way to the next."""
    numbers = {name: str(number) for number, name in enumerate(constraints_of(menu), 1)}
    amounts = [choice.amount for choice in menu.choices]
    for name, run in groupby(enumerate(menu.choices), key=lambda entry: entry[1].bound):
        places = [place for place, _choice in run]
        if not name:
            continue
        first, last = places[0], places[-1]
        start = (amounts[first - 1] + amounts[first]) / 2.0 if first else amounts[first]
        end = (amounts[last] + amounts[last + 1]) / 2.0 if last + 1 < len(amounts) else amounts[last]
        yield plot.band(start, end, numbers[name])
    reach = reach_of(menu)
    if reach is not None:
        number = str(len(numbers) + 1)
        yield plot.band(plot.least[0], reach[0], number)
        yield plot.band(reach[1], plot.most[0], number)
