"""What the records of a table are: the fields that one may have, and how it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from decisions.domain import FieldKind
from decisions.ingest.collections import Collection
from decisions.ingest.items import ItemValues, read_item

_WHOLE: Final = frozenset(("stock",))


@dataclass(frozen=True, slots=True)
class Form:
    """The records of one kind. name: of the collection. id_field: the field that none can lack.

    kinds: of every field by name, in the order in which they are told. whole: those that count pieces. read: from a
    record as JSON has it to a key and its values, or ItemRefused; of two records with one key the later one holds.
    """

    name: str
    id_field: str
    kinds: Mapping[str, FieldKind]
    whole: frozenset[str]
    read: Callable[[object], tuple[str, ItemValues]]


def item_form(collection: Collection) -> Form:
    """Return the form of the actions of a collection."""
    fields = {**collection.built_in, **{name: field.kind for name, field in collection.declared.items()}}
    kinds = {name: fields.get(name, FieldKind.TEXT) for name in collection.known}
    return Form(collection.name, "item_id", kinds, _WHOLE, lambda sent: read_item(sent, collection))
