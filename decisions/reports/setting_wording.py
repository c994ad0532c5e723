"""What is set at decision points, in the language of the page."""

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from decisions.domain import Domain, Setting
from decisions.settings import checked_settings
from experiments.reports.wording import Text

_NAMES: Final[Mapping[str, Text]] = {
    "pricing.objective": gettext_lazy("Objective"),
    "pricing.max_step": gettext_lazy("Largest step"),
    "pricing.grid_step": gettext_lazy("Step of the menu"),
    "pricing.cool_down_hours": gettext_lazy("Cool-down, hours"),
    "pricing.min_margin": gettext_lazy("Least margin over cost"),
    "pricing.charm": gettext_lazy("Charm prices"),
    "pricing.decimals": gettext_lazy("Decimals"),
    "pricing.quote_minutes": gettext_lazy("Quotes are honoured, minutes"),
    "restock.objective": gettext_lazy("Objective"),
    "restock.service_level": gettext_lazy("Service level"),
    "restock.holding_rate": gettext_lazy("Cost of holding, a year"),
    "restock.shortage": gettext_lazy("Cost of a missing piece"),
    "restock.review_days": gettext_lazy("Days between decisions"),
    "restock.cash": gettext_lazy("Most that an order may cost"),
}
_VALUES: Final[Mapping[str, Text]] = {
    "pricing.objective.profit": gettext_lazy("profit"),
    "pricing.objective.revenue": gettext_lazy("revenue"),
    "pricing.charm.none": gettext_lazy("none"),
    "restock.objective.service": gettext_lazy("service level"),
    "restock.objective.newsvendor": gettext_lazy("margin and cost"),
}
_FORMS: Final[Mapping[str, tuple[Text, Text]]] = {
    "pricing": (
        gettext_lazy("%(name)s: fixed prices"),
        gettext_lazy(
            "Only for fixed actions: a price such as 19.99, or a change of the shop's own price such as -5% or +3%; "
            "one a line, the first that the limits allow is taken."
        ),
    ),
    "restock": (
        gettext_lazy("%(name)s: rule of reordering"),
        gettext_lazy(
            "Only for fixed actions: s=20,S=60 orders up to 60 pieces at or below 20; R=20,Q=40 orders lots of 40; "
            "days=14 orders up to what sells in 14 days."
        ),
    ),
}
_ITEMS: Final = (
    gettext_lazy("%(name)s: fixed items"),
    gettext_lazy("Only for fixed actions: ids of items, one a line, the first one first."),
)


def setting_name(domain: Domain, name: str) -> str:
    """Return what a setting of a domain is called."""
    return str(_NAMES.get(f"{domain.key}.{name}", name.replace("_", " ").capitalize()))


def setting_about(setting: Setting) -> str:
    """Return what a setting is, in a sentence."""
    return _(setting.about)


def setting_value(domain: Domain, name: str, value: float | str) -> str:
    """Return a value of a setting as people read it."""
    if isinstance(value, str):
        return str(_VALUES.get(f"{domain.key}.{name}.{value}", value))
    return f"{value:g}"


def settings_in_words(domain: Domain, said: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the name and the value of every setting of a decision point, defaults included."""
    held = checked_settings(domain, {name: value for name, value in said.items() if name in domain.settings})
    return [(setting_name(domain, name), setting_value(domain, name, value)) for name, value in held.items()]


def fixed_words(domain_key: str) -> tuple[Text, Text]:
    """Return what the fixed actions of a variant are called, with a place for its name, and how they are written."""
    return _FORMS.get(domain_key, _ITEMS)
