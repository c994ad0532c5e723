"""Discovery of decision domains: every folder of `decisions.domains` is one, and a malformed one is refused."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

from decisions import domains
from decisions.domain import Domain, Field, PolicyKind
from foundation.errors import DomainError


class DomainMalformed(DomainError):
    """A folder of decision domains does not declare one."""

    code = "DOMAIN_MALFORMED"
    hint = "Its module `domain` must have a DOMAIN of decisions.domain.Domain, with the folder's name as its key."


class DomainUnknown(DomainError):
    """There is no such decision domain."""

    code = "DOMAIN_UNKNOWN"
    hint = "Use one of the domains that the admin lists."


class RecipeUnknown(DomainError):
    """The domain cannot train this."""

    code = "RECIPE_UNKNOWN"
    hint = "Use one of the recipes that the domain declares."


@cache
def all_domains() -> Mapping[str, Domain]:
    """Return every domain by its key. Raises DomainMalformed."""
    return MappingProxyType({found.name: _declared(found.name) for found in pkgutil.iter_modules(domains.__path__)})


def domain_of(key: str) -> Domain:
    """Return a domain. Raises DomainUnknown."""
    domain = all_domains().get(key)
    if domain is None:
        raise DomainUnknown(f"There is no domain {key!r}; there are: {', '.join(all_domains())}.")
    return domain


def fields_of(collection: str) -> Mapping[str, Field]:
    """Return the fields that the domains of a collection declare, by name."""
    return {
        name: field
        for domain in all_domains().values()
        if domain.collection == collection
        for name, field in domain.fields.items()
    }


def recipe_of(domain_key: str, name: str) -> Any:
    """Return the recipe that trains a model of a domain; imports its training. Raises DomainUnknown, RecipeUnknown."""
    domain = domain_of(domain_key)
    if name not in domain.recipes:
        raise RecipeUnknown(f"The domain {domain_key} has no recipe {name!r}; there are: {', '.join(domain.recipes)}.")
    return import_module(domain.training).RECIPES[name]


def _declared(name: str) -> Domain:
    declared = getattr(import_module(f"{domains.__name__}.{name}.domain"), "DOMAIN", None)
    if not isinstance(declared, Domain) or declared.key != name:
        raise DomainMalformed(f"The folder {name} declares no domain of that key.")
    faults = list(_faults(declared))
    if faults:
        raise DomainMalformed(f"The domain {name}: {' '.join(faults)}")
    return declared


def _faults(domain: Domain) -> list[str]:
    faults = []
    if not domain.unit_kinds:
        faults.append("names no unit kind.")
    if PolicyKind.BASELINE not in domain.policies:
        faults.append("has no baseline policy.")
    if not 1 <= domain.slate_size <= domain.largest_slate:
        faults.append("has a slate size out of bounds.")
    if domain.deadline_ms < 1:
        faults.append("has no deadline.")
    return faults
