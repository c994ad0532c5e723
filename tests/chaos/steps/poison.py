"""E6: one bad message of a thousand is refused alone, with its place and its reason."""

import json

from config.local import processes
from tests.chaos.edges import Client
from tests.chaos.ground import Ground
from tests.chaos.messages import message
from tests.chaos.promises import Finding

MESSAGES = 1_000
DEEP = 1_000


def poisons() -> dict[str, bytes]:
    """Return bad messages as they travel, by what is wrong with them."""

    def text(**changes: object) -> bytes:
        return json.dumps(message("poison", **changes)).encode()

    raw = text()
    return {
        "no JSON": raw.replace(b'"track"', b"track"),
        "NUL": text(properties={"name": "a\0b"}),
        "1e400": raw.replace(b"19.99", b"1e400"),
        f"depth {DEEP}": raw.replace(b"19.99", b"[" * DEEP + b"]" * DEEP),
        "lone surrogate": text(anonymousId="\ud800"),
        "32 KB + 1": text(properties={"name": "x" * 32_768}),
        "number as id": text(anonymousId=5),
        "no event": text(event=""),
    }


def isolation(ground: Ground) -> Finding:
    """E6: each poison in a batch of its own, in another place."""
    ground.forget_events()
    told: list[str] = []
    kept = True
    with ground.edges(1, kind=processes.intake) as (edge,):
        client = Client(edge.port, ground.store.client_key)
        for number, (name, poison) in enumerate(poisons().items()):
            place = (number * 137) % MESSAGES
            raws = [json.dumps(message(f"good-{number}-{index}")).encode() for index in range(MESSAGES)]
            raws[place] = poison
            answer = client.post("/v1/batch", b'{"batch":[' + b",".join(raws) + b"]}")
            results = answer.json["results"] if answer.status == 202 else []
            bad = [one for one in results if one["status"] == "rejected"]
            stored = sum(identity.startswith(f"good-{number}-") for identity in ground.stored_ids())
            alone = [one["index"] for one in bad] == [place] and stored == MESSAGES - 1
            kept = kept and alone
            told.append(
                f"{name}: {bad[0]['reason'] if alone else f'{answer.status}, {len(bad)} refused, {stored} stored'}"
            )
    return Finding(kept, f"{MESSAGES - 1} of {MESSAGES} stored each time; " + ", ".join(told))
