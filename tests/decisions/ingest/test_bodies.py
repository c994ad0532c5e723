import gzip
import io
import os
import resource
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.ingest.bodies import (
    LARGEST_BODY,
    LARGEST_INFLATED,
    BodyDamaged,
    BodyEncodingUnknown,
    BodyTooLarge,
    read_body,
)


def read(raw: bytes, *, encoding: str | None = None, length: str | None = None) -> bytes:
    return read_body(io.BytesIO(raw), length=length, encoding=encoding)


@given(st.binary(max_size=2_000))
def test_read_body__plain_or_gzip__is_the_same(body: bytes) -> None:
    assert read(body) == body
    assert read(gzip.compress(body), encoding="gzip") == body
    assert read(gzip.compress(body), encoding=" GZIP ", length=str(len(body))) == body


def test_read_body__source_that_gives_little_at_a_time__is_read_to_its_end() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(7, size or 0))

    assert read_body(Slow(b"x" * 100), length=None, encoding=None) == b"x" * 100


def test_read_body__a_megabyte__and_not_a_byte_more() -> None:
    assert len(read(b"x" * LARGEST_BODY)) == LARGEST_BODY
    with pytest.raises(BodyTooLarge):
        read(b"x" * (LARGEST_BODY + 1))


def test_read_body__length_announced_too_large__is_refused_unread() -> None:
    class Untouchable(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("read although announced too large")

    with pytest.raises(BodyTooLarge):
        read_body(Untouchable(), length=str(LARGEST_BODY + 1), encoding=None)


def test_read_body__inflating_past_five_megabytes_or_a_hundredfold__is_refused() -> None:
    incompressible = os.urandom(700_000)
    with pytest.raises(BodyTooLarge):
        read(gzip.compress(incompressible + b"0" * (LARGEST_INFLATED - 700_000 + 1)), encoding="gzip")
    with pytest.raises(BodyTooLarge):
        read(gzip.compress(b"0" * 200_000), encoding="gzip")
    assert len(read(gzip.compress(incompressible + b"0" * 1_000_000), encoding="gzip")) == 1_700_000


def test_read_body__bomb_of_ten_gigabytes__costs_neither_time_nor_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"\0" * 10_000_000) for _ in range(90)) + packer.flush()
    assert len(bomb) < LARGEST_BODY
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()

    with pytest.raises(BodyTooLarge):
        read(bomb, encoding="gzip")

    assert time.perf_counter() - started < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.mark.parametrize(
    "raw",
    [b"plain", b"", gzip.compress(b"hello")[:-1], gzip.compress(b"a") + b"tail", gzip.compress(b"a") * 2],
    ids=["plain", "nothing", "cut off", "with a tail", "twice"],
)
def test_read_body__not_one_gzip_stream__is_damaged(raw: bytes) -> None:
    with pytest.raises(BodyDamaged):
        read(raw, encoding="gzip")


def test_read_body__other_encoding__is_unknown() -> None:
    with pytest.raises(BodyEncodingUnknown, match="br"):
        read(b"x", encoding="br")
