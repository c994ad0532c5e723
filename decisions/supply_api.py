"""What a shop tells of its supply, `PUT` below /v1: costs, suppliers, stock; for holders of a server key."""

from typing import Final

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from decisions.actions.catalogue import MOST_ITEMS
from decisions.actions.supply import put_supply
from decisions.api import JSON, TAKEN, ServerView, sent_items, told
from decisions.ingest.item_schemas import batch_schema
from decisions.ingest.supply import COSTS, STOCK, SUPPLIERS
from decisions.ingest.supply_schemas import cost_schema, count_schema, supplier_schema

_DESCRIPTION: Final = "Same again changes nothing. What is refused is told with its place, the rest is taken."


class _SupplyView(ServerView):
    """A table of the supply, filled record by record."""

    table: str

    def take(self, request: Request) -> Response:
        """Take the records and say what became of each."""
        project, items = self.project(request), sent_items(request.data)
        return told(put_supply(project_id=project.id, name=self.table, items=items))


class Costs(_SupplyView):
    """`PUT /v1/costs`: what a piece of an item costs the shop, and since when."""

    table = COSTS

    @extend_schema(
        request={JSON: batch_schema(cost_schema(), most=MOST_ITEMS)}, responses=TAKEN, description=_DESCRIPTION
    )
    def put(self, request: Request) -> Response:
        """Take costs and say what became of each."""
        return self.take(request)


class Suppliers(_SupplyView):
    """`PUT /v1/suppliers`: who delivers, and how long that takes. `item_id` of what is refused is the supplier's."""

    table = SUPPLIERS

    @extend_schema(
        request={JSON: batch_schema(supplier_schema(), most=MOST_ITEMS)}, responses=TAKEN, description=_DESCRIPTION
    )
    def put(self, request: Request) -> Response:
        """Take suppliers and say what became of each."""
        return self.take(request)


class Stock(_SupplyView):
    """`PUT /v1/stock`: how many pieces there are of items of the catalogue, or of an item in a store at a time."""

    table = STOCK

    @extend_schema(
        request={JSON: batch_schema(count_schema(), most=MOST_ITEMS)}, responses=TAKEN, description=_DESCRIPTION
    )
    def put(self, request: Request) -> Response:
        """Take stock and say what became of each."""
        return self.take(request)


urlpatterns = [
    path("v1/costs", Costs.as_view(), name="put-costs"),
    path("v1/suppliers", Suppliers.as_view(), name="put-suppliers"),
    path("v1/stock", Stock.as_view(), name="put-stock"),
]
