"""The declaration of the restock domain."""

from types import MappingProxyType
from typing import Final

from decisions.domain import Domain, Field, FieldKind, LogKind, Mode, PolicyKind
from decisions.domains.restock.hooks import HOOKS
from decisions.domains.restock.metrics import METRICS
from decisions.domains.restock.settings import SETTINGS
from experiments.vocabulary import UnitKind

DOMAIN: Final = Domain(
    key="restock",
    name="Restock",
    summary="How much of an item to order for a store, by demand, lead time and what missing and leftover pieces cost.",
    personal=False,
    unit_kinds=(UnitKind.STORE_ITEM, UnitKind.STORE, UnitKind.CLUSTER, UnitKind.ITEM),
    policies=(PolicyKind.BASELINE, PolicyKind.FIXED, PolicyKind.MODEL_RANKED, PolicyKind.RECIPE),
    recipes=MappingProxyType(
        {
            "negative_binomial": "A negative binomial for each series, drawn to those like it",
            "exponential_smoothing": "Exponential smoothing with a weekly season; the spread from its own errors",
            "intermittent": "Croston, SBA and TSB for what sells now and then",
            "quantile_network": "A network that forecasts quantiles of all series together (TensorFlow)",
        }
    ),
    training="decisions.domains.restock.training",
    slate_size=1,
    deadline_ms=1_000,
    largest_slate=1,
    hooks=HOOKS,
    log=LogKind.SALES,
    fields=MappingProxyType(
        {
            "cluster": Field(FieldKind.TEXT, "Items that replace each other have the same."),
            "supplier": Field(FieldKind.TEXT, "Who delivers it; lead times go by it."),
            "pack_size": Field(FieldKind.NUMBER, "Pieces that come in one pack."),
            "minimum_order": Field(FieldKind.NUMBER, "The fewest pieces that can be ordered."),
            "shelf_life": Field(FieldKind.NUMBER, "Days for which it can be sold."),
        }
    ),
    mode=Mode.BATCH,
    subject_kind=UnitKind.STORE_ITEM,
    actions_are=FieldKind.NUMBER,
    metrics=METRICS,
    settings=SETTINGS,
)
