"""E2 and E5: sending everything again changes nothing, and everything received is accounted for."""

import random
import time
from collections import Counter
from collections.abc import Sequence

from config.local import processes
from tests.chaos.edges import Client, EdgeProcess
from tests.chaos.ground import Ground
from tests.chaos.messages import Sent, batch, days_ago, exposure, message, order, zipped
from tests.chaos.promises import Finding

BATCH = 200
VISITORS = 200


def retries(ground: Ground) -> Finding:
    """E2: send a log of three days, then all of it twice more, shuffled, zipped and plain, to other processes."""
    from experiments.queries.evidence import evidence_facts

    ground.forget_events()
    store = ground.store
    with ground.edges(2, kind=processes.intake) as edges:
        clients = [Client(edge.port, store.client_key) for edge in edges]
        messages = _log(clients[0], how_many=ground.count(6_000, 100_000), experiment=store.experiment_key)
        first = _send(clients[:1], messages)
        _project(store.project_id)
        before, rows = evidence_facts(store.project_id), sum(ground.stored_ids().values())
        again = Counter[str]()
        for seed in (1, 2):
            random.Random(seed).shuffle(messages)
            again += _send(clients, messages)
        _project(store.project_id)
        after, rows_after = evidence_facts(store.project_id), sum(ground.stored_ids().values())
    repeated = 2 * len(messages)
    kept = first == {"accepted": len(messages)} and again == {"duplicate": repeated} and before == after
    kept = kept and rows == rows_after == len(messages)
    measured = (
        f"{len(messages):,} messages, {repeated:,} sent again: {rows_after - rows} more rows,"
        f" {again['accepted']} taken for new, evidence {'equal' if before == after else 'DIFFERENT'}"
    )
    return Finding(kept, measured)


def accounting(ground: Ground) -> Finding:
    """E5: good, repeated, refused and meaningless messages; answers, counters, log and evidence must agree."""
    ground.forget_events()
    store = ground.store
    with ground.edges(2, kind=processes.intake) as edges:
        clients = [Client(edge.port, store.client_key) for edge in edges]
        messages = mixture(ground.count(4_000, 100_000))
        told = _send(clients, messages)
        rows = sum(ground.stored_ids().values())
        counted = Counter[str]()
        for edge in edges:
            counted += _counted(edge)
    projected, quarantined = _project(store.project_id)
    received = sum(told.values())
    kept = received == len(messages) == counted.pop("received")
    kept = kept and dict(counted) == dict(told) and rows == told["accepted"] == projected
    measured = (
        f"{received:,} received = {told['accepted']:,} accepted + {told['duplicate']:,} repeated +"
        f" {told['rejected']:,} refused; {rows:,} rows, {projected:,} projected, {quarantined:,} of them quarantined"
    )
    return Finding(kept and quarantined > 0, measured)


def _log(client: Client, *, how_many: int, experiment: str) -> list[Sent]:
    """Return views and orders of the last days, and an exposure of each visitor."""
    made = [message(f"view-{number}", at=days_ago(0.1 + number % 3)) for number in range(how_many - 2 * VISITORS)]
    made += [order(f"order-{number}", at=days_ago(0.1 + number % 2)) for number in range(VISITORS)]
    for number in range(VISITORS):
        visitor = f"visitor-{number}"
        told = client.post("/v1/assignments", {"units": {"visitor": visitor}}).json
        made.append(
            exposure(
                f"exposure-{number}",
                visitor=visitor,
                token=told["decision_token"],
                experiment=experiment,
                at=days_ago(0),
            )
        )
    return made


def mixture(how_many: int) -> list[Sent]:
    """Return messages of which some are repeated, some refused at the door and some meaningless."""
    made = [message(f"mixed-{number}", at=days_ago(number % 5)) for number in range(how_many)]
    for number in range(0, how_many, 10):
        made[number] |= {"event": ""}
    for number in range(1, how_many, 10):
        made[number] = dict(made[number + 1])
    for number in range(5, how_many, 10):
        made[number] |= {"event": "Order Completed", "properties": {"revenue": "many"}}
    return made


def _send(clients: Sequence[Client], messages: Sequence[Sent]) -> Counter[str]:
    """Send messages in batches, each client in turn and every other batch zipped; return what became of them."""
    told = Counter[str]()
    for place, start in enumerate(range(0, len(messages), BATCH)):
        body = batch(messages[start : start + BATCH])
        client = clients[place % len(clients)]
        if place % 2:
            answer = client.post("/v1/batch", zipped(body), **{"Content-Encoding": "gzip"})
        else:
            answer = client.post("/v1/batch", body)
        assert answer.status == 202, answer
        told.update(one["status"] for one in answer.json["results"])
    return told


def _counted(edge: EdgeProcess) -> Counter[str]:
    """Return what a process has counted of the store's messages."""
    found = Counter[str]()
    for name, value in edge.counters().items():
        if 'project="store"' in name and name.startswith("tiltyard_events_total{"):
            found[name.partition('status="')[2].partition('"')[0]] += int(value)
        elif name.startswith('tiltyard_events_received_total{project="store"'):
            found["received"] += int(value)
    return found


def _project(project_id: int) -> tuple[int, int]:
    """Project everything that was received, and return how many messages that were, and how many were quarantined."""
    from decisions.actions.projection import project_events
    from foundation.queries import project_facts

    time.sleep(project_facts(project_id).receipt_guard.total_seconds() + 0.2)
    messages = quarantined = 0
    while True:
        step = project_events(project_id=project_id)
        messages += step.messages
        quarantined += step.quarantined
        if step.complete:
            return messages, quarantined
