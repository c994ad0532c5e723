"""Every message that people can see, collected from code, templates and tables, and merged into the catalogues.

`python -m config.local.extraction` adds new messages without a translation and drops those that nobody says any more.
The tools of GNU gettext are not needed.
"""

import sys
from collections.abc import Iterator
from gettext import GNUTranslations
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from config.local.places import PROJECT
from decisions.registry import all_domains
from experiments.analysis import wording

PACKAGES: Final = ("config", "decisions", "experiments", "foundation", "models_registry", "workers")
LOCALE: Final = PROJECT / "locale"
KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
SKIN: Final = (
    "*.py",
    "templates/admin/**/*.html",
    "templates/unfold/**/*.html",
    "contrib/filters/**/*.py",
    "mixins/*.py",
)
"""The parts of the admin skin that the console shows; it comes without translations."""

Id = str | tuple[str, str]


def said_by_the_product() -> Iterator[tuple[Id, str | None]]:
    """Yield each message of the product's own code, templates and tables, with its context."""
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield from _in_code(path.read_bytes())
    for path in sorted((PROJECT / "templates").rglob("*.html")):
        yield from _in_template(path)
    for table in (wording.REASONS, wording.UNDEFINED, wording.CHECKS, wording.ADVICE):
        for sentence in table.values():
            yield sentence, None
    for domain in all_domains().values():
        yield domain.name, "domain"
        settings = (setting.about for setting in domain.settings.values())
        for sentence in (domain.summary, *domain.recipes.values(), *settings):
            yield sentence, None


def said_by_the_skin(locale: str) -> Iterator[tuple[Id, str | None]]:
    """Yield each message of the admin skin that Django does not translate already."""
    known = _known_to_django(locale)
    skin = _folder_of("unfold")
    for pattern in SKIN:
        for path in sorted(skin.glob(pattern)):
            found = _in_template(path) if path.suffix == ".html" else _in_code(path.read_bytes())
            for message, context in found:
                first = message if isinstance(message, str) else message[0]
                if first.strip() and first not in known:
                    yield message, context


def catalogue_of(locale: str) -> Catalog:
    """Return a catalogue of every message, without translations."""
    catalogue = Catalog(locale=locale, project="Tiltyard", fuzzy=False)
    for message, context in (*said_by_the_product(), *said_by_the_skin(locale)):
        catalogue.add(message, context=context)
    return catalogue


def read(path: Path) -> Catalog:
    """Return the catalogue in a .po file."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def merge(path: Path) -> int:
    """Bring a .po file up to date and return how many of its messages have no translation."""
    locale = path.parts[-3]
    merged = catalogue_of(locale)
    known = read(path)
    for message in merged:
        old = known.get(message.id, message.context) if message.id else None
        if old is not None:
            message.string = old.string
    write(path, merged)
    return sum(not (all(m.string) if isinstance(m.string, tuple | list) else m.string) for m in merged if m.id)


def write(path: Path, catalogue: Catalog) -> None:
    """Write a catalogue in the order of its messages, without dates or line numbers, so that only changes differ."""
    header = (
        'msgid ""',
        'msgstr ""',
        f'"Language: {catalogue.locale_identifier}\\n"',
        '"MIME-Version: 1.0\\n"',
        '"Content-Type: text/plain; charset=utf-8\\n"',
        '"Content-Transfer-Encoding: 8bit\\n"',
        f'"Plural-Forms: {catalogue.plural_forms}\\n"',
    )
    with path.open("wb") as file:
        file.write("\n".join((*header, "", "")).encode())
        write_po(file, catalogue, no_location=True, sort_output=True, omit_header=True, width=110)


def _in_code(source: bytes) -> Iterator[tuple[Id, str | None]]:
    for _line, message, _comments, context in extract("python", BytesIO(source), keywords=KEYWORDS):
        if isinstance(message, str):
            yield message, context
        elif message:
            singular, plural = message
            yield (singular, plural), context


def _in_template(path: Path) -> Iterator[tuple[Id, str | None]]:
    lines = (line.strip() for line in templatize(path.read_text()).splitlines())
    yield from _in_code("\n".join(lines).encode())


def _known_to_django(locale: str) -> set[str]:
    known: set[str] = set()
    for path in _folder_of("django").glob(f"**/locale/{locale}/LC_MESSAGES/django.mo"):
        with path.open("rb") as file:
            catalog = GNUTranslations(file)._catalog  # type: ignore[attr-defined] # noqa: SLF001 - no public listing
        known.update(key if isinstance(key, str) else key[0] for key in catalog)
    return known


def _folder_of(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(package)
    return Path(spec.origin).parent


def main() -> int:
    """Bring every catalogue up to date and return 1 where messages wait for a translator."""
    waiting = {path: merge(path) for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))}
    for path, number in waiting.items():
        print(f"{path.relative_to(PROJECT)}: {number} without a translation")
    return 1 if any(waiting.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
