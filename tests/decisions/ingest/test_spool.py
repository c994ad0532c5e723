"""Rows on disk: whole or not at all, within bounds, and taken over by who lives from who does not."""

import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

from decisions.ingest.rows import EventRow
from decisions.ingest.spool import LARGEST_SEGMENT, Spool, is_taken, read_segment
from tests.architecture.source import PROJECT
from tests.decisions.ingest.test_rows import row

ROOMY = 100_000_000


def rows(*numbers: int, **changes: object) -> list[EventRow]:
    return [row(message_id=f"m-{number}", kind="decision", event=None, **changes) for number in numbers]


def drained(spool: Spool) -> list[EventRow]:
    found: list[EventRow] = []
    while segment := spool.oldest():
        more, is_damaged = read_segment(segment)
        assert not is_damaged
        found += more
        spool.remove(segment)
    return found


def test_spool__rows__come_back_as_they_were_and_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=ROOMY)
    first, second = rows(1, 2, properties='{"用": "\\u0000"}', enrolments="[]"), rows(3)

    assert spool.append(first) == 2
    spool.sync()
    assert spool.append(second) == 1

    assert drained(spool) == first + second
    assert (spool.size, spool.oldest()) == (0, None)


def test_spool__files__are_private_and_gone_when_it_is_closed_empty(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=ROOMY)
    spool.append(rows(1))
    segment = spool.oldest()
    assert segment is not None
    assert stat.S_IMODE(segment.stat().st_mode) == 0o600
    assert stat.S_IMODE(segment.parent.stat().st_mode) == 0o700

    spool.remove(segment)
    spool.close()

    assert list((tmp_path / "spool").iterdir()) == []


def test_spool__never_used__leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=ROOMY)
    spool.take_over()
    spool.sync()
    spool.close()

    assert list(tmp_path.iterdir()) == []


def test_spool__full__says_how_many_it_took(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=2_000)

    kept = spool.append(rows(*range(100)))

    assert 0 < kept < 100
    assert spool.size <= 2_000
    assert spool.append(rows(200)) == 0
    assert len(drained(spool)) == kept
    assert spool.append(rows(200)) == 1


def test_spool__many_rows__are_in_several_segments(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=ROOMY)
    large = "x" * 100_000
    count = 3 * LARGEST_SEGMENT // len(large)

    assert spool.append(rows(*range(count), properties=large)) == count

    segments = []
    while segment := spool.oldest():
        segments.append(segment.stat().st_size)
        spool.remove(segment)
    assert len(segments) >= 3
    assert max(segments) < LARGEST_SEGMENT + 2 * len(large)


def test_read_segment__cut_anywhere__has_the_whole_rows_before_the_cut(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=ROOMY)
    written = rows(1, 2, 3)
    ends = []
    for one in written:
        spool.append([one])
        ends.append(spool.size)
    segment = spool.oldest()
    assert segment is not None
    raw = segment.read_bytes()

    for length in range(len(raw) + 1):
        segment.write_bytes(raw[:length])
        whole = sum(end <= length for end in ends)
        assert read_segment(segment) == (written[:whole], length not in (0, *ends))


def test_read_segment__any_flipped_byte__is_never_taken_for_a_row(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=ROOMY)
    written = rows(1, 2)
    spool.append(written)
    segment = spool.oldest()
    assert segment is not None
    raw = segment.read_bytes()

    for position in range(len(raw)):
        segment.write_bytes(raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :])
        found, is_damaged = read_segment(segment)
        assert is_damaged
        assert found == written[: len(found)]
        assert len(found) < 2


def test_take_over__living_process__is_left_alone(tmp_path: Path) -> None:
    one, other = Spool(tmp_path, limit=ROOMY), Spool(tmp_path, limit=ROOMY)
    one.append(rows(1))

    assert other.take_over() == 0
    assert other.oldest() is None
    assert drained(one) == rows(1)


def test_take_over__process_that_ended__hands_its_rows_to_one_other(tmp_path: Path) -> None:
    ended = Spool(tmp_path, limit=ROOMY)
    ended.append(rows(1))
    ended.oldest()
    ended.append(rows(2))
    ended.close()
    first, second = Spool(tmp_path, limit=ROOMY), Spool(tmp_path, limit=ROOMY)
    first.append(rows(3))

    assert (first.take_over(), second.take_over(), first.take_over()) == (2, 0, 0)

    segment = first.oldest()
    assert segment is not None
    assert is_taken(segment)
    assert sorted(found.message_id for found in drained(first)) == ["m-1", "m-2", "m-3"]


def test_take_over__process_killed_in_the_middle__gives_every_whole_row(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from decisions.ingest.spool import Spool
        from tests.decisions.ingest.test_spool import rows
        spool = Spool(Path(sys.argv[1]), limit=10**8)
        number = 0
        while True:
            spool.append(rows(number))
            print(number, flush=True)
            number += 1
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(200)]
    process.send_signal(signal.SIGKILL)
    said += [int(line) for line in process.stdout.read().split()]
    process.wait()

    spool = Spool(tmp_path, limit=ROOMY)
    assert spool.take_over() >= 1

    found: list[EventRow] = []
    while segment := spool.oldest():
        more, _ = read_segment(segment)
        found += more
        spool.remove(segment)
    assert len(found) in (len(said), len(said) + 1)
    assert [one.message_id for one in found] == [f"m-{number}" for number in range(len(found))]
    assert [path.name for path in (tmp_path / "spool").iterdir()] == [path.name for path in [spool._own] if path]


def test_append__file_where_the_directory_should_be__takes_nothing_and_does_not_raise(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("not a directory")
    spool = Spool(tmp_path, limit=ROOMY)

    assert spool.append(rows(1)) == 0
    assert spool.take_over() == 0
    spool.close()
