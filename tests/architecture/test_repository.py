"""What must not be in the repository."""

import re

from tests.architecture.source import PROJECT, files_of_the_repository

ADDRESS_OF_A_REGISTRY = re.compile(r"https?://[^\s\"'/]*(/[^\s\"']*)?/simple(/|\b)", re.IGNORECASE)
INDEX_OPTION = re.compile(r"^\s*(-i|--index-url|--extra-index-url|--find-links|-f)\s", re.MULTILINE)
LARGEST_FILE = 1024 * 1024
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
REAL_API_KEY = re.compile(r"\bty_(client|server)_[A-Za-z0-9_-]{43}\b")


def test_requirements__name_packages_and_versions__and_no_index() -> None:
    files = sorted(PROJECT.glob("requirements*.txt"))
    assert len(files) >= 4
    for path in files:
        text = path.read_text()
        assert not INDEX_OPTION.search(text), path.name
        for line in text.splitlines():
            requirement = line.split("#")[0].strip()
            assert not requirement or "==" in requirement, f"{path.name}: {line}"


def test_repository__holds_no_address_of_a_package_index() -> None:
    found = [str(path) for path, text in _texts() if ADDRESS_OF_A_REGISTRY.search(text)]
    assert found == []


def test_repository__holds_no_private_key_and_no_api_key() -> None:
    found = [str(path) for path, text in _texts() if PRIVATE_KEY.search(text) or REAL_API_KEY.search(text)]
    assert found == []


def test_repository__holds_no_huge_file() -> None:
    sizes = {str(path): (PROJECT / path).stat().st_size for path in files_of_the_repository()}
    assert {name: size for name, size in sizes.items() if size > LARGEST_FILE} == {}


def _texts():
    for path in files_of_the_repository():
        try:
            yield path, (PROJECT / path).read_text()
        except UnicodeDecodeError:
            continue
