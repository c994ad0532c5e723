import stat
from pathlib import Path

import pytest

from decisions.serving.store import BundleFile, BundleFileUnusable
from tests.decisions.published import text_of
from tests.experiments.assignment.builders import experiment


def test_bundle_file__written__reads_back_and_is_private(tmp_path: Path) -> None:
    file = BundleFile(tmp_path / "state")
    texts = (text_of(experiment(1, key="价格")), text_of(version=2))

    file.write(texts)

    assert sorted(file.read(), key=lambda text: text.version) == list(texts)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert list(file.path.parent.iterdir()) == [file.path]


def test_bundle_file__missing__holds_nothing(tmp_path: Path) -> None:
    file = BundleFile(tmp_path)

    assert file.read() == ()
    assert not file.holds([])


def test_bundle_file__holds__tells_exactly_these_bundles(tmp_path: Path) -> None:
    file = BundleFile(tmp_path)
    file.write([text_of(version=1)])

    assert file.holds([text_of(version=1)])
    assert not file.holds([text_of(version=2)])
    assert not file.holds([])


def test_bundle_file__any_flipped_byte__is_noticed(tmp_path: Path) -> None:
    file = BundleFile(tmp_path)
    file.write([text_of(experiment(1))])
    good = file.path.read_bytes()

    for position in range(0, len(good), 7):
        file.path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        with pytest.raises(BundleFileUnusable):
            file.read()


@pytest.mark.parametrize("raw", [b"", b"\n", b"tiltyard-bundles/2 x\n[]", b"\xff\xfe"])
def test_bundle_file__foreign_content__is_unusable(tmp_path: Path, raw: bytes) -> None:
    file = BundleFile(tmp_path)
    file.path.write_bytes(raw)

    with pytest.raises(BundleFileUnusable):
        file.read()


def test_bundle_file__cut_short__is_unusable_and_then_replaced(tmp_path: Path) -> None:
    file = BundleFile(tmp_path)
    file.write([text_of(experiment(1))])
    file.path.write_bytes(file.path.read_bytes()[:-1])

    with pytest.raises(BundleFileUnusable):
        file.read()
    file.write([text_of(version=5)])
    assert [text.version for text in file.read()] == [5]


def test_bundle_file__directory_that_cannot_be_made__raises_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")

    with pytest.raises(OSError):
        BundleFile(tmp_path / "state").write([text_of()])
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
