import pytest

from experiments.assignment.semver import parse_semver

PRECEDENCE = [
    "0.9.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.2",
    "1.10.0",
    "2",
]


def test_parse_semver__examples_of_the_specification__are_in_order() -> None:
    versions = [parse_semver(text) for text in PRECEDENCE]

    assert None not in versions
    assert versions == sorted(versions)  # type: ignore[type-var]
    assert len(set(versions)) == len(versions)


@pytest.mark.parametrize(("text", "same"), [("v1.2.3", "1.2.3"), ("1", "1.0.0"), ("1.2.3+build.7", "1.2.3")])
def test_parse_semver__what_shops_write__equals_the_full_form(text: str, same: str) -> None:
    assert parse_semver(text) == parse_semver(same)


@pytest.mark.parametrize(
    "value", ["", "1.2.3.4", "1..2", "a", "1.2.3-", "١.٢.٣", 1, 1.2, None, ["1"], "1" * 129, "\ud800"]
)
def test_parse_semver__anything_else__is_none(value: object) -> None:
    assert parse_semver(value) is None
