"""The same questions asked again and again at a steady rate, and held against the answers before the trouble began."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from tests.chaos.edges import FAULTS, Answer, Client, EdgeProcess
from tests.chaos.ground import SHOP_KEY, SHOPPER

Essence = Callable[[Answer], object]


@dataclass(frozen=True, slots=True)
class Question:
    """A request, and what of its answer must stay the same; None where only the status counts."""

    path: str
    body: object
    essence: Essence | None


@dataclass(slots=True)
class Seen:
    """What came of asking."""

    asked: int = 0
    different: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """How many requests were not answered with 200."""
        return self.asked - self.statuses["200"]

    @property
    def slowest(self) -> float:
        """The longest answer in milliseconds."""
        return max(self.milliseconds, default=0.0)

    def told(self) -> str:
        """Return the counts in words."""
        share = 100.0 * self.statuses["200"] / max(1, self.asked)
        return f"{self.asked:,} requests, {share:g} % 200, {self.different} different, slowest {self.slowest:.0f} ms"


def _arms(answer: Answer) -> object:
    told = answer.json
    return [
        (one["experiment"], one["variant"], one["reason"], one["epoch"], one["slots"]) for one in told["assignments"]
    ]


def _actions(answer: Answer) -> object:
    told = answer.json
    return (
        told["reason"],
        [one["item"] for one in told["actions"]],
        told["assignment"] and told["assignment"]["variant"],
    )


def questions(*, units: int, decisions_stay: bool) -> list[Question]:
    """Return questions about several units; whether decisions must stay the same depends on what is broken."""
    asked = []
    for number in range(units):
        body = {"units": {"visitor": f"visitor-{number}"}, "attributes": SHOPPER}
        asked.append(Question("/v1/assignments", body, _arms))
        asked.append(Question("/v1/decisions/home", body, _actions if decisions_stay else None))
        asked.append(Question("/v1/decisions/cart", body, _actions))
    return asked


class Steadiness:
    """Records the answers of edge processes once, then watches whether they stay."""

    def __init__(self, edges: Sequence[EdgeProcess], asked: Sequence[Question]) -> None:
        self._clients = [Client(edge.port, SHOP_KEY, timeout=10) for edge in edges]
        self._asked = asked
        self._expected: dict[int, object] = {}
        for number, question in enumerate(asked):
            told = [client.post(question.path, question.body) for client in self._clients]
            assert {answer.status for answer in told} == {200}, told
            if question.essence is not None:
                found = [question.essence(answer) for answer in told]
                assert all(one == found[0] for one in found), "processes differ before anything was broken"
                self._expected[number] = found[0]

    def reconnect(self) -> None:
        """Give up connections to processes that are no more."""
        for client in self._clients:
            client.close()

    def watch(self, *, seconds: float, per_second: float) -> Seen:
        """Ask at a steady rate, each process in turn, and return what came of it."""
        seen = Seen()
        began = time.monotonic()
        clients = cycle(self._clients)
        while (due := began + seen.asked / per_second) < began + seconds:
            time.sleep(max(0.0, due - time.monotonic()))
            self._ask_one(seen.asked % len(self._asked), next(clients), seen)
        return seen

    def _ask_one(self, number: int, client: Client, seen: Seen) -> None:
        question = self._asked[number]
        began = time.monotonic()
        seen.asked += 1
        try:
            answer = client.post(question.path, question.body)
        except FAULTS as fault:
            seen.statuses[type(fault).__name__] += 1
            return
        finally:
            seen.milliseconds.append(1_000 * (time.monotonic() - began))
        seen.statuses[str(answer.status)] += 1
        if answer.status == 200 and question.essence is not None:
            seen.different += question.essence(answer) != self._expected[number]
