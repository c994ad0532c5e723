"""Ids of decisions: random, made ahead, so that no answer waits for the system's random numbers."""

import os
from base64 import urlsafe_b64encode
from collections import deque

ID_BYTES = 12
AT_ONCE = 256

_ready: deque[str] = deque()


def next_decision_id() -> str:
    """Return 16 URL-safe characters of 96 random bits that no other call gets. Safe to call from several threads."""
    while True:
        try:
            return _ready.popleft()
        except IndexError:
            drawn = os.urandom(ID_BYTES * AT_ONCE)
            pieces = (drawn[start : start + ID_BYTES] for start in range(0, len(drawn), ID_BYTES))
            _ready.extend(urlsafe_b64encode(piece).decode() for piece in pieces)


# A forked process must not give out what its parent will.
os.register_at_fork(after_in_child=_ready.clear)
