"""E1: what was answered 2xx is in the log, whatever dies meanwhile; the history of all clients is examined."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from config.local import processes
from config.local.postgres import Shutdown
from tests.chaos.edges import EdgeProcess
from tests.chaos.ground import Ground
from tests.chaos.history import Recorder, by_kind, contradictions, read_history
from tests.chaos.promises import Finding
from tests.chaos.storefront import Asker, Writer

INTAKES = 2
WRITERS = 3
KILL_SECONDS = 5.0
LONG_EVENTS = 100_000


def durability(ground: Ground) -> Finding:
    """E1: writers and an asker go on while a process is killed every five seconds and Postgres is stopped at once."""
    path = ground.directory / "history.jsonl"
    recorder = Recorder(path)
    ground.forget_events()
    with ground.edges(INTAKES, kind=processes.intake) as intakes, ground.edges(1) as edges:
        key = ground.store.client_key
        writers = [Writer(f"writer-{number}", intakes, recorder, key) for number in range(WRITERS)]
        asker = Asker("asker", edges, recorder, key)
        for shop in (*writers, asker):
            shop.start()
        nemesis = Nemesis(ground, [*intakes, *edges])
        nemesis.run(lambda: sum(writer.confirmed for writer in writers))
        ground.heal()
        for shop in (*writers, asker):
            shop.over.set()
        for shop in (*writers, asker):
            shop.join()
        alive = all(edge.process.pid is not None for edge in (*intakes, *edges))
    recorder.close()
    history = read_history(path)
    faults = contradictions(history, ground.stored_ids())
    confirmed = sum(writer.confirmed for writer in writers)
    measured = (
        f"{confirmed:,} confirmed events, {asker.asked:,} assignments; {nemesis.killed} processes killed,"
        f" Postgres stopped {nemesis.stopped} times, configuration changed {nemesis.changed} times:"
        f" {by_kind(faults) or '0 lost, 0 twice, 0 refused yet stored, 0 switched arms, 0 older configurations'}"
    )
    kept = not faults and asker.refusals == 0 and alive and confirmed > 0 and nemesis.stopped > 0
    return Finding(kept, measured + (f"; {asker.refusals} assignments refused" if asker.refusals else ""))


class Nemesis:
    """Kills a random process every five seconds, stops Postgres now and then, and changes the configuration."""

    def __init__(self, ground: Ground, edges: Sequence[EdgeProcess]) -> None:
        self.killed = self.stopped = self.changed = 0
        self._ground = ground
        self._edges = edges
        self._random = random.Random(5)

    def run(self, confirmed: Callable[[], int]) -> None:
        """Go on for a minute, in the long form until 100 000 events were confirmed (ten minutes at the most)."""
        ground = self._ground
        began = time.monotonic()
        seconds = ground.seconds(60, 600)
        stop_every = ground.seconds(20, 60)
        next_stop = began + stop_every / 2
        while time.monotonic() < began + seconds and not (ground.is_long and confirmed() >= LONG_EVENTS):
            edge = self._random.choice(self._edges)
            edge.kill()
            self.killed += 1
            edge.start()
            if time.monotonic() >= next_stop:
                next_stop += stop_every
                self._stop_postgres()
            else:
                self._change_configuration()
            ground.say(f"E1: {confirmed():,} events confirmed, {self.killed} processes killed")
            time.sleep(KILL_SECONDS)

    def _stop_postgres(self) -> None:
        self._ground.postgres.shut_down(Shutdown.IMMEDIATE)
        self.stopped += 1
        time.sleep(2)
        self._ground.heal()

    def _change_configuration(self) -> None:
        """Open a new version that holds the same allocation: arms must stay while versions rise."""
        from decisions.actions.publishing import publish_bundle
        from foundation.actions.projects import edit_project

        project_id = self._ground.store.project_id
        name = f"Store {self.changed}"
        edit_project(project_id=project_id, name=name, attributes=[], acting_user="chaos", now=datetime.now(UTC))
        publish_bundle(project_id=project_id)
        self.changed += 1
