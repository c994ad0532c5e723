import pytest

from decisions.serving.etags import is_named, weak_tag

TAG = weak_tag(b"one", b"two")


def test_weak_tag__same_parts__is_the_same_and_weak() -> None:
    assert weak_tag(b"one", b"two") == TAG
    assert TAG.startswith('W/"')
    assert TAG.endswith('"')
    assert TAG.isascii()


def test_weak_tag__parts_cut_elsewhere__are_other_tags() -> None:
    assert len({weak_tag(b"one", b"two"), weak_tag(b"onetwo"), weak_tag(b"onet", b"wo"), weak_tag(b"two", b"one")}) == 4


@pytest.mark.parametrize(
    "header",
    [
        TAG,
        TAG.removeprefix("W/"),
        f'"other", {TAG}',
        f'W/"other",{TAG.removeprefix("W/")} , "third"',
        f"  {TAG}  ",
    ],
)
def test_is_named__weak_strong_or_in_a_list__is_true(header: str) -> None:
    assert is_named(TAG, header)


@pytest.mark.parametrize("header", ["", "*", '"other"', TAG[:-2] + '"', TAG.strip('W/"'), f'"{TAG}"', "W/", ","])
def test_is_named__something_else__is_false(header: str) -> None:
    assert not is_named(TAG, header)
