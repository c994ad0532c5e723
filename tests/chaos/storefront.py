"""Shops that send events and ask for assignments without a pause, whatever becomes of the site, and write down all."""

import random
import threading
import time
from collections.abc import Sequence

from tests.chaos.edges import FAULTS, Answer, Client, EdgeProcess
from tests.chaos.history import Ended, Entry, Op, Recorder
from tests.chaos.messages import Sent, batch, message

BATCH = 50
BAD_EVERY = 10
"""In every tenth batch one message is no good: it must never be stored."""
PAUSE_SECONDS = 0.05
TRY_SECONDS = 60.0
VISITORS = 200


class Shop(threading.Thread):
    """Something that goes on until it is told to end."""

    def __init__(self, name: str, edges: Sequence[EdgeProcess], recorder: Recorder, key: str) -> None:
        super().__init__(name=name, daemon=True)
        self.over = threading.Event()
        self._edges = edges
        self._recorder = recorder
        self._key = key
        self._clients = {edge.name: Client(edge.port, key, timeout=15) for edge in edges}
        self._random = random.Random(name)

    def _ask(self, path: str, body: object) -> tuple[Answer | None, str | None, float, float]:
        """Return the answer, or None where none came; who gave it, where that is certain; when it was asked and told.

        A process that was started meanwhile may not be the one that answered.
        """
        edge = self._random.choice(self._edges)
        life, began = edge.life, time.monotonic()
        try:
            answer = self._clients[edge.name].post(path, body)
        except FAULTS:
            return None, None, began, time.monotonic()
        return answer, life if edge.life == life else None, began, time.monotonic()


class Writer(Shop):
    """Sends batches; one that was not answered for good is sent again, as storefronts do."""

    confirmed = 0

    def run(self) -> None:
        """Send until told to end; the last batch is still brought to its end."""
        number = 0
        while not self.over.is_set():
            messages = [message(f"{self.name}-{number + place}") for place in range(BATCH)]
            if number % (BATCH * BAD_EVERY) == 0:
                messages[0]["event"] = ""
            number += BATCH
            self._deliver(messages)

    def _deliver(self, messages: Sequence[Sent]) -> None:
        until = time.monotonic() + TRY_SECONDS
        while time.monotonic() < until:
            answer, _, began, ended = self._ask("/v1/batch", batch(messages))
            if answer is not None and answer.status == 202:
                results = answer.json["results"]
                ends = {one["index"]: Ended.FAIL if one["status"] == "rejected" else Ended.OK for one in results}
                self._note(messages, ends, began, ended)
                self.confirmed += sum(end is Ended.OK for end in ends.values())
                return
            self._note(messages, {}, began, ended)
            time.sleep(PAUSE_SECONDS)

    def _note(self, messages: Sequence[Sent], ends: dict[int, Ended], began: float, ended: float) -> None:
        self._recorder.add(
            Entry(Op.STORE, str(one["messageId"]), began, ended, ends.get(place, Ended.INFO))
            for place, one in enumerate(messages)
        )


class Asker(Shop):
    """Asks which variants visitors get, over and over."""

    refusals = 0
    asked = 0

    def run(self) -> None:
        """Ask until told to end. An edge that is being started again is no refusal: another one is asked."""
        while not self.over.is_set():
            visitor = f"visitor-{self._random.randrange(VISITORS)}"
            answer, process, began, ended = self._ask("/v1/assignments", {"units": {"visitor": visitor}})
            self.asked += answer is not None
            if answer is None:
                time.sleep(PAUSE_SECONDS)
            elif answer.status != 200:
                self.refusals += 1
            else:
                told = answer.json
                self._recorder.add(
                    Entry(
                        Op.ASSIGN,
                        visitor,
                        began,
                        ended,
                        Ended.OK,
                        result=(one["experiment"], one["variant"]),
                        cfg=told["bundle_version"],
                        process=process,
                    )
                    for one in told["assignments"]
                )
            time.sleep(0.002)
