"""A10: a predictor that hangs, fails or talks nonsense costs the shopper nothing but the model."""

import time
from pathlib import Path

from tests.chaos.edges import Client
from tests.chaos.ground import DEADLINE_MS, SHOP_KEY, SHOPPER, VISITORS, Ground
from tests.chaos.promises import Finding

MISDEEDS = ("hangs", "raises", "gives NaN", "gives too few")
REQUESTS = 60
PROBE_SECONDS = 30.0
MOST_PROBES = 2
"""On a machine that stalls for thirty milliseconds the first probe may be late, and the circuit rests again."""
MOST_CALLS = 12
"""Of a predictor that always fails, in sixty requests: the circuit opens after five, and each thread may be in one."""


def misbehaving_models(ground: Ground) -> Finding:
    """A10: each misdeed in a fresh process; then the last one ends, and the model must come back."""
    told: list[str] = []
    kept = True
    for misdeed in MISDEEDS:
        script = ground.directory / f"script-{misdeed.replace(' ', '-')}"
        script.write_text("behaves")
        with ground.edges(1, application="tests.chaos.scripted_edge:application", CHAOS_SCRIPT=str(script)) as (edge,):
            client = Client(edge.port, SHOP_KEY)
            assert _reasons(client, 5).keys() & {"MODEL"}, "the model does not serve before it misbehaves"
            calls = _calls(script)
            script.write_text(misdeed)
            began = time.monotonic()
            reasons = _reasons(client, REQUESTS)
            each = 1_000 * (time.monotonic() - began) / REQUESTS
            asked = _calls(script) - calls
            harmless = "MODEL" not in reasons and "not 200" not in reasons and "empty" not in reasons
            kept = kept and harmless and asked <= MOST_CALLS
            told.append(f"{misdeed}: {REQUESTS} of {REQUESTS} served" if harmless else f"{misdeed}: {dict(reasons)}")
            told[-1] += f" in {each:.0f} ms each, model asked {asked} times"
            if misdeed == MISDEEDS[-1]:
                script.write_text("behaves")
                back = _seconds_until_model(client)
                kept = kept and back <= MOST_PROBES * PROBE_SECONDS + 5
                told.append(f"the model is back after {back:.0f} s")
    return Finding(kept, f"deadline {DEADLINE_MS} ms; " + "; ".join(told))


def _reasons(client: Client, how_many: int) -> dict[str, int]:
    """Return how often each reason was given; `not 200` and `empty` count what must not be."""
    found: dict[str, int] = {}
    for number in range(how_many):
        body = {"units": {"visitor": f"visitor-{number % VISITORS}"}, "attributes": SHOPPER}
        answer = client.post("/v1/decisions/hurried", body)
        reason = answer.json["reason"] if answer.status == 200 else "not 200"
        if answer.status == 200 and not answer.json["actions"]:
            reason = "empty"
        found[reason] = found.get(reason, 0) + 1
    return found


def _calls(script: Path) -> int:
    return script.with_suffix(".calls").stat().st_size


def _seconds_until_model(client: Client) -> float:
    began = time.monotonic()
    while time.monotonic() < began + (MOST_PROBES + 1) * PROBE_SECONDS:
        if "MODEL" in _reasons(client, 1):
            break
        time.sleep(0.2)
    return time.monotonic() - began
