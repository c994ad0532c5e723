"""How the admin looks and what its sidebar holds."""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _may_view(model: str) -> Callable[[HttpRequest], bool]:
    app, name = model.split(".")
    return lambda request: request.user.has_perm(f"{app}.view_{name}")


def _entry(title: object, icon: str, model: str) -> dict[str, Any]:
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": _may_view(model),
    }


def _page(title: object, icon: str, page: str, model: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(page), "permission": _may_view(model)}


UNFOLD: Final[dict[str, Any]] = {
    "SITE_TITLE": "Tiltyard",
    "SITE_HEADER": "Tiltyard",
    "SITE_URL": reverse_lazy("readouts"),
    "SITE_SYMBOL": "balance",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("console/icon.svg")},
    ],
    "SHOW_LANGUAGES": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "STYLES": [lambda _request: static("console/admin.css")],
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254)",
            "100": "oklch(93% .032 255)",
            "200": "oklch(88% .059 254)",
            "300": "oklch(81% .105 252)",
            "400": "oklch(71% .12 250)",
            "500": "oklch(58% .13 250)",
            "600": "oklch(48% .13 250)",
            "700": "oklch(42% .12 250)",
            "800": "oklch(37% .1 250)",
            "900": "oklch(32% .08 250)",
            "950": "oklch(25% .06 250)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "command_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "title": _("Experiments"),
                "items": [
                    _page(_("Readouts"), "monitoring", "readouts", "experiments.experiment"),
                    _entry(_("Designs"), "science", "experiments.experiment"),
                    _entry(_("Scorecards"), "fact_check", "experiments.scorecard"),
                ],
            },
            {
                "title": _("Decisions"),
                "separator": True,
                "items": [
                    _page(_("Promotions"), "approval", "promotions", "decisions.promotionproposal"),
                    _page(_("Decision points"), "alt_route", "decision-points", "decisions.decisionpoint"),
                    _entry(_("Settings of decision points"), "place", "decisions.decisionpoint"),
                    _entry(_("Experiments at decision points"), "account_tree", "decisions.pointexperiment"),
                    _entry(_("Learning policies"), "school", "decisions.learner"),
                    _entry(_("Batches of decisions"), "list_alt", "decisions.decisionbatch"),
                    _entry(_("Items"), "inventory_2", "decisions.item"),
                    _entry(_("Catalogue feeds"), "sync", "decisions.cataloguefeed"),
                ],
            },
            {
                "title": _("Supply"),
                "separator": True,
                "items": [
                    _entry(_("Costs"), "payments", "decisions.itemcost"),
                    _entry(_("Suppliers"), "local_shipping", "decisions.supplier"),
                    _entry(_("Stock counts"), "warehouse", "decisions.stockcount"),
                    _entry(_("Clusters"), "hub", "decisions.itemcluster"),
                    _entry(_("Price ledger"), "receipt_long", "decisions.priceoffer"),
                ],
            },
            {
                "title": _("Models"),
                "separator": True,
                "items": [
                    _page(_("Models"), "query_stats", "models", "models_registry.registeredmodel"),
                    _entry(_("Registration and training"), "category", "models_registry.registeredmodel"),
                    _entry(_("Model versions"), "package_2", "models_registry.modelversion"),
                    _entry(_("Training runs"), "model_training", "models_registry.trainingrun"),
                    _entry(_("Alias moves"), "swap_horiz", "models_registry.aliasmove"),
                ],
            },
            {
                "title": _("Traffic"),
                "separator": True,
                "items": [
                    _entry(_("Flags"), "flag", "experiments.flag"),
                    _entry(_("Layers"), "layers", "experiments.layer"),
                    _entry(_("Holdouts"), "do_not_disturb_on", "experiments.holdout"),
                    _entry(_("Blackout calendar"), "event_busy", "experiments.blackout"),
                    _entry(_("Published bundles"), "deployed_code", "decisions.publishedbundle"),
                ],
            },
            {
                "title": _("Metrics"),
                "separator": True,
                "items": [
                    _entry(_("Metrics"), "speed", "experiments.metric"),
                    _entry(_("Filters"), "filter_alt", "experiments.filter"),
                ],
            },
            {
                "title": _("Operations"),
                "separator": True,
                "items": [
                    _entry(_("Jobs"), "manufacturing", "foundation.job"),
                    _page(_("What arrives"), "inbox", "intakes", "experiments.quarantine"),
                    _entry(_("Quarantine"), "block", "experiments.quarantine"),
                    _entry(_("Journal"), "history_edu", "foundation.journalentry"),
                ],
            },
            {
                "title": _("Access"),
                "separator": True,
                "items": [
                    _entry(_("Projects"), "storefront", "foundation.project"),
                    _entry(_("API keys"), "key", "foundation.apikey"),
                    _entry(_("Users"), "person", "auth.user"),
                    _entry(_("Groups"), "group", "auth.group"),
                ],
            },
        ],
    },
}
