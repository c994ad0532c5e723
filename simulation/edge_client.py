"""The HTTP that a shop speaks: its storefront to the edge, its back end to the console."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulation.connection import Connection


class EdgeClient:
    """What a storefront asks and tells."""

    def __init__(self, url: str, key: str) -> None:
        self._connection = Connection(url, key)

    def assign(
        self, visitor: str, experiments: Sequence[str] | None = None, attributes: Mapping[str, str | bool] | None = None
    ) -> dict[str, Any]:
        """Return the assignments of a visitor, to all or the named experiments, and the token for their exposures."""
        named = {} if experiments is None else {"experiments": list(experiments)}
        known = {"units": {"visitor": visitor}, "attributes": dict(attributes or {})}
        return self._connection.send("POST", "/v1/assignments", {**known, **named})

    def decide(self, point: str, visitor: str, **more: Any) -> dict[str, Any]:
        """Return what a decision point decides for a visitor, and the token for the exposure."""
        return self._connection.send("POST", f"/v1/decisions/{point}", {"units": {"visitor": visitor}, **more})

    def quote(self, items: Sequence[str]) -> dict[str, Any]:
        """Return what everybody is offered items for now, each price with a statement that it is honoured."""
        return self._connection.send("POST", "/v1/quotes", {"items": list(items)})

    def verify(self, quote: str) -> dict[str, Any]:
        """Return whether a quote is honoured, and for which price."""
        return self._connection.send("POST", "/v1/quotes/verify", {"quote": quote})

    def send(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """Send a batch of events and return what became of each."""
        return self._connection.send("POST", "/v1/batch", {"batch": messages})


class ConsoleClient:
    """What a shop's back end tells, with a server key."""

    def __init__(self, url: str, key: str) -> None:
        self._connection = Connection(url, key)

    def put_items(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """Send whole items of the catalogue and return what became of them."""
        return self._connection.send("PUT", "/v1/items", {"items": items})

    def put(self, collection: str, items: list[dict[str, Any]]) -> dict[str, Any]:
        """Send whole actions of another collection and return what became of them."""
        return self._connection.send("PUT", f"/v1/{collection}", {"items": items})

    def price(self, item: str) -> dict[str, Any]:
        """Return what everybody is offered an item for now, and was before."""
        return self._connection.send("GET", f"/api/v1/prices/{item}")

    def batches(self, point: str) -> list[dict[str, Any]]:
        """Return the newest batches of a decision point, the newest first, without their decisions."""
        return list(self._connection.send("GET", f"/api/v1/batches?point={point}")["batches"])

    def batch(self, number: int) -> dict[str, Any]:
        """Return the document of a batch."""
        return self._connection.send("GET", f"/api/v1/batches/{number}")

    def acknowledge(self, number: int, words: list[dict[str, Any]]) -> dict[str, Any]:
        """Say what has become of the decisions of a batch, and return what was taken of that."""
        return self._connection.send("POST", f"/api/v1/batches/{number}/acknowledgements", {"items": words})
