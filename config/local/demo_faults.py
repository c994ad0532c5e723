"""What ends a demonstration early, and waiting that ends in it."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.2


class DemoFailed(Exception):
    """The demonstration did not show what it should."""


def wait_until(condition: Callable[[], bool], *, seconds: float, missing: str) -> None:
    """Return once the condition holds. Raises DemoFailed with what is missing."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise DemoFailed(missing)
        time.sleep(PAUSE_SECONDS)
