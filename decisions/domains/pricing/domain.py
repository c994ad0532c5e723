"""The declaration of the pricing domain."""

from datetime import timedelta
from types import MappingProxyType
from typing import Final

from decisions.domain import Domain, Field, FieldKind, Interaction, LogKind, Mode, PolicyKind, Reward
from decisions.domains.pricing.hooks import HOOKS
from decisions.domains.pricing.metrics import METRICS
from decisions.domains.pricing.settings import SETTINGS
from decisions.learning import LearnerKind
from experiments.vocabulary import Payable, UnitKind

SOLD: Final = Reward("sold", Interaction.ORDER, "", 1.0, timedelta())
"""Pieces of the item that are ordered while the price holds. An order names the item: that is no action here."""

DOMAIN: Final = Domain(
    key="pricing",
    name="Pricing",
    summary="Prices of items, the same for everybody at one moment, by demand and contribution.",
    personal=False,
    unit_kinds=(UnitKind.CLUSTER, UnitKind.ITEM),
    policies=(
        PolicyKind.BASELINE,
        PolicyKind.FIXED,
        PolicyKind.MODEL_RANKED,
        PolicyKind.RECIPE,
        PolicyKind.LEARNED,
    ),
    recipes=MappingProxyType({"elasticity": "Elasticity of every item, drawn to those of its cluster and of all"}),
    training="decisions.domains.pricing.training",
    slate_size=1,
    deadline_ms=1_000,
    largest_slate=1,
    hooks=HOOKS,
    log=LogKind.SALES,
    rewards=(SOLD,),
    learners=(LearnerKind.DEMAND,),
    fields=MappingProxyType(
        {
            "cluster": Field(FieldKind.TEXT, "Items that replace each other have the same."),
            "floor": Field(FieldKind.MONEY, "The lowest price that may be asked."),
            "ceiling": Field(FieldKind.MONEY, "The highest price that may be asked."),
            "map_price": Field(FieldKind.MONEY, "The lowest price that the maker lets be advertised."),
        }
    ),
    metrics=METRICS,
    mode=Mode.BATCH,
    subject_kind=UnitKind.ITEM,
    actions_are=FieldKind.MONEY,
    settings=SETTINGS,
    payable=Payable.PRICE,
)
