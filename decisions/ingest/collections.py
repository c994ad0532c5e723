"""The collections that domains choose from, and the fields that the actions of each have."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from decisions.domain import ITEMS, Domain, Field, FieldKind, Mode, Reward
from decisions.registry import DomainMalformed, all_domains
from foundation.errors import DomainError

_ALWAYS: Final[Mapping[str, FieldKind]] = MappingProxyType(
    {
        "title": FieldKind.TEXT,
        "category": FieldKind.TEXT,
        "price": FieldKind.MONEY,
        "stock": FieldKind.NUMBER,
    }
)
_OF_ITEMS: Final[Mapping[str, FieldKind]] = MappingProxyType({**_ALWAYS, "rating": FieldKind.NUMBER})
_PUBLISHED_OF_OTHERS: Final = ("title", "category", "price")
_ROUTES: Final = frozenset(
    (
        "alias",
        "assignments",
        "batch",
        "bundle",
        "costs",
        "decisions",
        "explain",
        "identify",
        "prices",
        "quotes",
        "stock",
        "suppliers",
        "track",
        "visitor",
    )
)
"""What follows /v1/ already, so that no collection can be called so."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


class CollectionUnknown(DomainError):
    """No domain has such a collection."""

    code = "COLLECTION_UNKNOWN"
    hint = "Use one of the collections that the domains declare."


@dataclass(frozen=True, slots=True)
class Collection:
    """The actions that some domains choose among.

    built_in: what every action of it may have, in columns of its own. declared: what its domains declare, built-in
    ones among them. published: the fields that the edge gets as columns, in that order: those of domains that decide at
    requests. rewards: of all its domains.
    """

    name: str
    domains: tuple[str, ...]
    built_in: Mapping[str, FieldKind]
    declared: Mapping[str, Field]
    published: Mapping[str, FieldKind]
    rewards: tuple[Reward, ...]

    @property
    def extra(self) -> Mapping[str, Field]:
        """Return the declared fields that have no column of their own."""
        return {name: field for name, field in self.declared.items() if name not in self.built_in}

    @property
    def known(self) -> tuple[str, ...]:
        """Return the names of all fields that an action may be sent with."""
        return ("item_id", *self.built_in, *self.extra)


def all_collections() -> Mapping[str, Collection]:
    """Return every declared collection by its name, the shop's items first. Raises DomainMalformed."""
    by_name: dict[str, list[Domain]] = {ITEMS: []}
    for domain in all_domains().values():
        by_name.setdefault(domain.collection, []).append(domain)
    return MappingProxyType({name: _collection(name, domains) for name, domains in by_name.items()})


def collection_of(name: str) -> Collection:
    """Return a collection. Raises CollectionUnknown, DomainMalformed."""
    found = all_collections().get(name)
    if found is None:
        raise CollectionUnknown(f"There is no collection {name!r}; there are: {', '.join(all_collections())}.")
    return found


def _collection(name: str, domains: list[Domain]) -> Collection:
    if _NAME.fullmatch(name) is None or name in _ROUTES:
        raise DomainMalformed(f"The domain {domains[0].key}: its collection cannot be called {name!r}.")
    built_in = _OF_ITEMS if name == ITEMS else _ALWAYS
    declared: dict[str, Field] = {}
    for domain in domains:
        for field_name, field in domain.fields.items():
            known = declared.get(field_name, field)
            kind = built_in.get(field_name, known.kind)
            if field.kind is not kind or field_name == "item_id" or _FIELD.fullmatch(field_name) is None:
                raise DomainMalformed(f"The domain {domain.key}: no field {field_name!r} can be {field.kind.value}.")
            declared[field_name] = Field(field.kind, known.about, known.required or field.required)
    kept = () if name == ITEMS else _PUBLISHED_OF_OTHERS
    at_requests = {name for domain in domains if domain.mode is Mode.ONLINE for name in domain.fields}
    published = {
        **{column: built_in[column] for column in kept},
        **{key: of.kind for key, of in declared.items() if key in at_requests},
    }
    return Collection(
        name=name,
        domains=tuple(domain.key for domain in domains),
        built_in=built_in,
        declared=MappingProxyType(declared),
        published=MappingProxyType(published),
        rewards=tuple(dict.fromkeys(reward for domain in domains for reward in domain.rewards)),
    )
