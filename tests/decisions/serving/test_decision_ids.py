"""Decision ids: never twice, not by threads and not by a process and its fork."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

from decisions.serving.decision_ids import AT_ONCE, next_decision_id


def test_ids__from_several_threads__are_all_different() -> None:
    with ThreadPoolExecutor(8) as pool:
        drawn = [one for found in pool.map(lambda _: _some(500), range(8)) for one in found]
    assert len(set(drawn)) == 4_000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{16}", one) for one in drawn)


def test_ids__of_a_forked_process__are_not_those_of_its_parent() -> None:
    next_decision_id()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, ",".join(next_decision_id() for _ in range(AT_ONCE)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        theirs = set(told.read().split(","))
    os.waitpid(child, 0)
    assert len(theirs) == AT_ONCE
    assert theirs.isdisjoint(next_decision_id() for _ in range(AT_ONCE))


def _some(count: int) -> list[str]:
    return [next_decision_id() for _ in range(count)]
