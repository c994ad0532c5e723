"""Requests with new events, as a shop's back end sends them; made before any clock runs."""

import json
import time
from itertools import count

from benchmarks.bundles import CLIENT_KEY
from benchmarks.load import request_bytes

BATCH = 500
HEADERS = {"Authorization": f"Bearer {CLIENT_KEY}", "Content-Type": "application/json"}

_numbers = count()


def event_batches(how_many: int, *, series: int = 0x1111) -> list[bytes]:
    """Return requests of 500 messages each; no message was in an earlier one.

    Processes that send to the same database choose a `series` each, below 65 536.
    """
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    batches = []
    for _ in range(how_many):
        messages = [
            {
                "type": "track",
                "messageId": f"9f2c41d0-{series:04x}-4222-8333-{next(_numbers):012d}",
                "anonymousId": f"visitor-{position}",
                "event": "Product Viewed",
                "timestamp": stamp,
                "properties": {"product_id": f"p-{position}", "price": 19.99, "currency": "USD"},
            }
            for position in range(BATCH)
        ]
        body = json.dumps({"batch": messages, "sentAt": stamp}).encode()
        batches.append(request_bytes("/v1/batch", body, HEADERS))
    return batches
