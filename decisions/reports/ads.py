"""Both views of advertising on a decision point's page, as its template sees them."""

from collections import Counter
from dataclasses import dataclass

from django.utils.translation import gettext as _

from decisions.queries.ad_figures import AdRecord
from decisions.queries.pacing import PaceFacts
from decisions.queries.point_records import PointRecord
from experiments.reports import figures
from experiments.reports.wording import Text
from foundation.money import format_micros


@dataclass(frozen=True, slots=True)
class ServedLine:
    """What the decisions of a variant earned for the shop in the last day."""

    variant: Text
    decisions: str
    value: str
    each: str


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """What a campaign paid in the last day, and what followed."""

    campaign: str
    clicks: str
    orders: str
    spent: str
    sales: str
    returned: str


@dataclass(frozen=True, slots=True)
class PaceLine:
    """How the budget of a campaign's day is spent, or was."""

    day: str
    campaign: str
    arm: Text
    budget: str
    spent: str
    share: str
    multiplier: str
    error: str


@dataclass(frozen=True, slots=True)
class AdPanel:
    """The part of the page that is about advertising. `currency` is that of every amount."""

    currency: str
    served: tuple[ServedLine, ...]
    campaigns: tuple[CampaignLine, ...]
    today: tuple[PaceLine, ...]
    past: tuple[PaceLine, ...]


def ad_panel(record: PointRecord, ads: AdRecord | None) -> AdPanel | None:
    """Return the panel, None where the decision point does not place advertisements."""
    if ads is None:
        return None
    arms = sorted({*ads.decisions, *ads.served})
    variants = Counter(variant for _experiment, variant in arms)
    return AdPanel(
        currency=record.project.currency,
        served=tuple(
            _served(
                f"{experiment}: {variant}" if variants[variant] > 1 and experiment else variant,
                ads.decisions.get((experiment, variant), 0),
                ads.served.get((experiment, variant), 0),
            )
            for experiment, variant in arms
        ),
        campaigns=tuple(
            CampaignLine(
                campaign=found.campaign or "–",
                clicks=figures.count(found.clicks),
                orders=figures.count(found.orders),
                spent=format_micros(found.spent),
                sales=format_micros(found.sales),
                returned=f"{found.sales / found.spent:.2f}" if found.spent else "–",
            )
            for found in ads.campaigns
        ),
        today=tuple(_pace(found, is_over=False) for found in ads.today),
        past=tuple(_pace(found, is_over=True) for found in ads.past),
    )


def _served(variant: str, decisions: int, value: int) -> ServedLine:
    return ServedLine(
        variant=variant or _("outside experiments"),
        decisions=figures.count(decisions),
        value=format_micros(value),
        each=format_micros(round(value / decisions)) if decisions else "–",
    )


def _pace(found: PaceFacts, *, is_over: bool) -> PaceLine:
    error = found.pace.error
    return PaceLine(
        day=found.day.isoformat(),
        campaign=found.campaign,
        arm=found.arm or _("outside budget splits"),
        budget=format_micros(found.pace.budget),
        spent=format_micros(found.pace.spent),
        share=figures.share(found.pace.spent / found.pace.budget) if found.pace.budget else "–",
        multiplier=f"{found.pace.multiplier:.2f}",
        error=figures.share(error) if is_over and error is not None else "–",
    )
