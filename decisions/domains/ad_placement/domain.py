"""The declaration of the ad placement domain."""

from types import MappingProxyType
from typing import Final

from decisions.domain import Domain, Field, FieldKind, LogKind, PolicyKind
from decisions.domains.ad_placement.features import ADVERTISER, CAMPAIGN, PAYS, SLOT
from decisions.domains.ad_placement.hooks import HOOKS
from decisions.domains.ad_placement.metrics import METRICS
from decisions.domains.ad_placement.reward import REWARDS
from experiments.vocabulary import UnitKind

DOMAIN: Final = Domain(
    key="ad_placement",
    name="Ad placement",
    summary="Creatives for the shop's own advertising slots, by bid and predicted response.",
    personal=True,
    unit_kinds=(UnitKind.VISITOR, UnitKind.CUSTOMER, UnitKind.SESSION),
    policies=(
        PolicyKind.BASELINE,
        PolicyKind.FIXED,
        PolicyKind.MODEL_RANKED,
        PolicyKind.RECIPE,
        PolicyKind.LEARNED,
    ),
    recipes=MappingProxyType(
        {
            "hashed_logistic": "Logistic regression on hashed features and their crosses; trains in seconds",
            "hashed_network": "A network with cross layers on embeddings of hashed features (TensorFlow)",
        }
    ),
    training="decisions.domains.ad_placement.training",
    slate_size=1,
    deadline_ms=20,
    largest_slate=20,
    hooks=HOOKS,
    log=LogKind.DECISIONS,
    rewards=REWARDS,
    collection="creatives",
    fields=MappingProxyType(
        {
            CAMPAIGN: Field(FieldKind.TEXT, "The campaign; budgets and pacing go by it.", required=True),
            "bid": Field(FieldKind.MONEY, "What the advertiser pays for a click, or for an order.", required=True),
            PAYS: Field(FieldKind.TEXT, "`click` (or empty) or `order`: what the bid is paid for."),
            "budget": Field(
                FieldKind.MONEY, "Of the campaign's day; empty for no limit. The largest of its creatives."
            ),
            ADVERTISER: Field(FieldKind.TEXT, "Who advertises."),
            SLOT: Field(FieldKind.TEXT, "The one slot that it fits; empty for any."),
            "starts": Field(FieldKind.TEXT, "From when on it may be shown, ISO 8601; empty for at once."),
            "ends": Field(FieldKind.TEXT, "Until when it may be shown, ISO 8601; empty for no end."),
        }
    ),
    context=MappingProxyType(
        {
            "slot": "Name of the slot.",
            "slots": "Names of several slots that one decision fills, the best first.",
            "page": "Kind of page, such as home or category.",
            "device": "Kind of device.",
            "customer": "Whether the shopper is a known customer.",
            "views": "How many pages the shopper has viewed lately.",
            "cap": "How often a day one creative may be shown to the shopper; 5 where it is not said.",
            "exclude": "Creatives not to show.",
        }
    ),
    metrics=METRICS,
)
