"""Files that bundles name: cached on disk, and nothing is read that is not what its name says."""

import os
import stat
import time
from hashlib import sha256
from pathlib import Path

import pytest

from decisions.serving.artifacts import KEPT_SECONDS, FileCache, FileDamaged, FileMissing, Files
from decisions.serving.points import FileRecord
from tests.decisions.published import popularity_bytes

ARTIFACT = popularity_bytes()
RECORD = FileRecord(sha256(ARTIFACT).hexdigest(), len(ARTIFACT))


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    return FileCache(tmp_path)


def test_file_cache__written__reads_back_and_is_private(cache: FileCache) -> None:
    sha = sha256(ARTIFACT).hexdigest()
    cache.write(sha, ARTIFACT)

    assert cache.read(sha) == ARTIFACT
    assert [path.name for path in cache.directory.iterdir()] == [sha]
    assert stat.S_IMODE((cache.directory / sha).stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.directory.stat().st_mode) == 0o700


def test_file_cache__any_flipped_byte__is_noticed_and_the_file_removed(cache: FileCache) -> None:
    sha = sha256(ARTIFACT).hexdigest()
    for position in range(0, len(ARTIFACT), 41):
        cache.write(sha, ARTIFACT[:position] + bytes([ARTIFACT[position] ^ 1]) + ARTIFACT[position + 1 :])
        assert cache.read(sha) is None
        assert not (cache.directory / sha).exists()


def test_file_cache__prune__removes_only_what_is_old_and_not_named(cache: FileCache) -> None:
    names = ["a" * 64, "b" * 64, "c" * 64]
    for name in names:
        cache.write(name, b"content")
    old = time.time() - KEPT_SECONDS - 1
    for name in names[:2]:
        os.utime(cache.directory / name, (old, old))

    cache.prune([names[0]], now=time.time())

    assert sorted(path.name for path in cache.directory.iterdir()) == [names[0], names[2]]


def test_files__not_on_disk__is_fetched_and_kept(cache: FileCache) -> None:
    assert Files(cache).content(RECORD, lambda _: ARTIFACT) == ARTIFACT
    assert Files(cache).content(RECORD, lambda _: None) == ARTIFACT


def test_files__nowhere_or_another_content__is_refused_and_not_kept(cache: FileCache) -> None:
    with pytest.raises(FileMissing):
        Files(cache).content(RECORD, lambda _: None)
    with pytest.raises(FileDamaged):
        Files(cache).content(RECORD, lambda _: ARTIFACT + b"!")
    assert not cache.directory.exists()
