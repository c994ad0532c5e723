"""Why something was decided for a subject, as its page shows it: a sentence, what bound, and pictures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from decisions.domain import Domain, FieldKind
from decisions.queries.explained import Choice, ExplainedMenu
from decisions.queries.point_records import DecisionRecord
from decisions.registry import all_domains
from decisions.reports.explain_wording import rule_words
from decisions.reports.menu_facts import DOUBTS, known_facts, short
from decisions.reports.menu_pictures import constraints_of, cost_picture, demand_pictures, fan_picture, reach_of
from decisions.reports.pictures import Picture
from decisions.reports.setting_wording import settings_in_words
from experiments.reports import figures
from experiments.reports.figures import Shape
from experiments.reports.page import Fact
from experiments.reports.wording import Text

_PRICE_LIMITS: Final = (
    gettext_lazy("Not lower, though that would bring more: %(why)s."),
    gettext_lazy("Not higher, though that would bring more: %(why)s."),
)
_ORDER_LIMITS: Final = (
    gettext_lazy("Not less, though that would cost less: %(why)s."),
    gettext_lazy("Not more, though that would cost less: %(why)s."),
)
_STANDARD_ERRORS: Final = 1.96
"""Of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class ChoiceLine:
    """A line of the menu: what could be decided, what the model expected of it, and what forbade it."""

    text: str
    expected: str
    worth: str
    bound: Text
    mark: Text


@dataclass(frozen=True, slots=True)
class MenuCard:
    """The explanation of a decision about a subject. legend: what the numbered bands of the pictures are."""

    subject: str
    is_money: bool
    sentences: tuple[str, ...]
    legend: tuple[str, ...]
    pictures: tuple[Picture, ...]
    doubts: tuple[Text, ...]
    choices: tuple[ChoiceLine, ...]
    has_model: bool
    facts: tuple[Fact, ...]
    settings: tuple[Fact, ...]


def menu_card(record: DecisionRecord) -> MenuCard | None:
    """Return the explanation of a decision about a subject, None for any other decision."""
    menu, domain = record.explanation.menu, all_domains().get(record.point.domain)
    if menu is None or domain is None:
        return None
    is_money = domain.actions_are is FieldKind.MONEY
    return MenuCard(
        subject=menu.subject,
        is_money=is_money,
        sentences=tuple(_sentences(record, menu, is_money=is_money)),
        legend=(*_legend(menu, is_money=is_money), *_beyond(menu)),
        pictures=tuple(_pictures(record, menu)),
        doubts=() if menu.demand is None else tuple(DOUBTS.get(doubt, doubt) for doubt in menu.demand.doubts),
        choices=tuple(_line(menu, choice, is_money=is_money) for choice in menu.choices),
        has_model=any(choice.worth is not None for choice in menu.choices),
        facts=tuple(known_facts(menu, record.project)),
        settings=tuple(_settings(domain, menu)),
    )


def brings(settings: Mapping[str, float | str]) -> Text:
    """Return what a price is to bring."""
    return _("revenue") if settings.get("objective") == "revenue" else _("profit")


def _sentences(record: DecisionRecord, menu: ExplainedMenu, *, is_money: bool) -> Iterator[str]:
    if menu.chosen is None:
        yield _("%(action)s was decided; by this release it would not be on the menu.") % {
            "action": record.decision.actions[0].item
        }
        return
    currency = record.project.currency
    sentence = _price_sentence if is_money else _order_sentence
    yield sentence(menu, menu.chosen, currency)
    if menu.lower:
        pattern = _PRICE_LIMITS[0] if is_money else _ORDER_LIMITS[0]
        yield str(pattern) % {"why": rule_words(menu.lower)}
    if menu.higher:
        pattern = _PRICE_LIMITS[1] if is_money else _ORDER_LIMITS[1]
        yield str(pattern) % {"why": rule_words(menu.higher)}
    if menu.demand is not None:
        low, high = (menu.demand.elasticity + side * _STANDARD_ERRORS * menu.demand.error for side in (-1.0, 1.0))
        yield _(
            "A price that is 1%% higher is expected to change demand by %(elasticity)s%% (95%% interval %(low)s to "
            "%(high)s)."
        ) % {"elasticity": _signed(menu.demand.elasticity), "low": _signed(low), "high": _signed(high)}


def _price_sentence(menu: ExplainedMenu, chosen: Choice, currency: str) -> str:
    before = menu.present
    told = {
        "price": chosen.text,
        "brings": brings(menu.settings),
        "demand": _number(chosen.expected),
        "worth": _money(chosen.worth, currency),
    }
    if before is None or before.text == chosen.text:
        if chosen.worth is None:
            return _("%(price)s, as before.") % told
        return _("%(price)s, as before: demand is expected to be %(demand)s a day, %(brings)s %(worth)s a day.") % told
    told |= {
        "before": before.text,
        "demand_before": _number(before.expected),
        "worth_before": _money(before.worth, currency),
    }
    if chosen.worth is None:
        return _("%(price)s instead of %(before)s.") % told
    return (
        _(
            "%(price)s instead of %(before)s: demand is expected to go from %(demand_before)s to %(demand)s a day, "
            "%(brings)s from %(worth_before)s to %(worth)s a day."
        )
        % told
    )


def _order_sentence(menu: ExplainedMenu, chosen: Choice, currency: str) -> str:
    fan, nothing = menu.fan, menu.present
    told = {"pieces": chosen.text}
    if fan is None or nothing is None or chosen.worth is None or nothing.worth is None:
        return _("%(pieces)s pieces are ordered.") % told if chosen.amount else _("Nothing is ordered.")
    told |= {
        "position": short(fan.position),
        "level": short(fan.position + chosen.amount),
        "days": short(fan.protection),
        "covered": figures.chance(fan.covered or 0.0),
        "cost": _money(-chosen.worth, currency),
        "cost_before": _money(-nothing.worth, currency),
    }
    if not chosen.amount:
        return (
            _(
                "Nothing is ordered: the stock of %(position)s lasts for the %(days)s days until the next order can be "
                "there with a probability of %(covered)s; the expected cost is %(cost)s."
            )
            % told
        )
    return (
        _(
            "%(pieces)s pieces are ordered: the stock of %(position)s becomes %(level)s, which lasts for the %(days)s "
            "days until the next order can be there with a probability of %(covered)s; the expected cost is %(cost)s "
            "instead of %(cost_before)s without an order."
        )
        % told
    )


def _legend(menu: ExplainedMenu, *, is_money: bool) -> Iterator[str]:
    """Yield what each constraint took of the menu, by the number of its bands."""
    for name in constraints_of(menu):
        taken = [choice for choice in menu.choices if choice.bound == name]
        told = {
            "why": rule_words(name),
            "least": taken[0].text,
            "most": taken[-1].text,
            "n": figures.count(len(taken)),
        }
        if len(taken) == 1:
            yield _("%(least)s is not to be had: %(why)s.") % told
        elif is_money:
            yield (
                ngettext(
                    "%(n)s price from %(least)s to %(most)s is not to be had: %(why)s.",
                    "%(n)s prices from %(least)s to %(most)s are not to be had: %(why)s.",
                    len(taken),
                )
                % told
            )
        else:
            yield (
                ngettext(
                    "%(n)s order from %(least)s to %(most)s pieces is not to be had: %(why)s.",
                    "%(n)s orders from %(least)s to %(most)s pieces are not to be had: %(why)s.",
                    len(taken),
                )
                % told
            )


def _beyond(menu: ExplainedMenu) -> Iterator[str]:
    """Yield what is further than one step can reach, which the pictures show too."""
    reach = reach_of(menu)
    if reach is not None:
        yield _("Below %(least)s and above %(most)s: %(why)s.") % {
            "least": f"{reach[0]:,.2f}",
            "most": f"{reach[1]:,.2f}",
            "why": rule_words("max_step"),
        }


def _pictures(record: DecisionRecord, menu: ExplainedMenu) -> Iterator[Picture]:
    currency = record.project.currency
    if menu.demand is not None:
        yield from demand_pictures(menu, menu.demand, brings=brings(menu.settings), currency=currency)
    if menu.fan is not None:
        yield fan_picture(menu, menu.fan)
        costs = cost_picture(menu, currency=currency)
        if costs is not None:
            yield costs


def _line(menu: ExplainedMenu, choice: Choice, *, is_money: bool) -> ChoiceLine:
    mark: Text = ""
    if choice is menu.chosen:
        mark = pgettext("choice", "decided")
    elif choice is menu.present and is_money:
        mark = _("present price")
    worth = choice.worth if is_money or choice.worth is None else -choice.worth
    return ChoiceLine(
        text=choice.text,
        expected=_number(choice.expected),
        worth=_number(worth),
        bound=rule_words(choice.bound) if choice.bound else "",
        mark=mark,
    )


def _settings(domain: Domain, menu: ExplainedMenu) -> Iterator[Fact]:
    for label, value in settings_in_words(domain, menu.settings):
        yield Fact(label, value)


def _number(value: float | None) -> str:
    return "–" if value is None else figures.level(value, Shape.NUMBER, "")


def _money(value: float | None, currency: str) -> str:
    return "–" if value is None else figures.total(value, Shape.MONEY, currency)


def _signed(value: float) -> str:
    return figures.difference(value, Shape.NUMBER, "", 2)
