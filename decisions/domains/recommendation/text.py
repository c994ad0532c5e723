"""What an item says of itself as hashed features: words, parts of words and category, for training and for serving.

Texts in scripts without spaces between words (Chinese, Japanese, Korean) become pairs of characters.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

from decisions.moment import Catalogue
from decisions.policy import Indices

TEXT: Final = "text"
"""The name of these features among the inputs of a model."""
TEXT_BUCKETS: Final = 16_384
"""How many features there are; different words that share one are taken for the same."""
MOST_FEATURES: Final = 48
"""How many features of an item are read: its category and words before parts of words."""
NO_FEATURE: Final = -1

TITLE: Final = "title"
DESCRIPTION: Final = "description"
CATEGORY: Final = "category"
"""The fields of a catalogue that are read, where it has them."""

_IDEOGRAPHS: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
_RUNS: Final = re.compile(rf"[{_IDEOGRAPHS}]+|[^\W_{_IDEOGRAPHS}]+")
_FIRST_IDEOGRAPH: Final = "\u3040"
_PART: Final = 3
_SHORTEST_DIVIDED: Final = 4
_LONGEST_TEXT: Final = 400


def features_of(text: str, category: str = "") -> Iterator[str]:
    """Yield the features of a text, those first that say most: its category, words, then parts of words.

    Compatible forms (full width, ligatures) and case do not matter. A word of four letters or more also has every
    three letters of it between < and >; a run of ideographs has every two of them, a single one has itself.
    """
    if category:
        yield f"c:{category}"
    runs = _RUNS.findall(unicodedata.normalize("NFKC", text[:_LONGEST_TEXT]).casefold())
    words = [run for run in runs if not _ideographic(run)]
    for run in runs:
        if _ideographic(run):
            yield from (f"w:{run[place : place + 2]}" for place in range(max(1, len(run) - 1)))
        else:
            yield f"w:{run}"
    for word in words:
        if len(word) >= _SHORTEST_DIVIDED:
            framed = f"<{word}>"
            yield from (f"p:{framed[place : place + _PART]}" for place in range(len(framed) - _PART + 1))


def text_numbers(texts: Sequence[str], categories: Sequence[str]) -> Indices:
    """Return the hashed features of each item, items x MOST_FEATURES: different ones, filled up with NO_FEATURE."""
    found = np.full((len(texts), MOST_FEATURES), NO_FEATURE, dtype=np.int64)
    for place, (text, category) in enumerate(zip(texts, categories, strict=True)):
        numbers: dict[int, None] = {}
        for feature in features_of(text, category):
            numbers[xxh3_64_intdigest(feature.encode()) % TEXT_BUCKETS] = None
            if len(numbers) == MOST_FEATURES:
                break
        found[place, : len(numbers)] = list(numbers)
    return found


def item_numbers(catalogue: Catalogue) -> npt.NDArray[np.int64]:
    """Return what models with a text part read of every item of a catalogue; for `Hooks.item_numbers`."""
    titles, descriptions, categories = (_texts(catalogue, name) for name in (TITLE, DESCRIPTION, CATEGORY))
    return text_numbers([" ".join(both).strip() for both in zip(titles, descriptions, strict=True)], categories)


def _texts(catalogue: Catalogue, name: str) -> Sequence[str]:
    column = catalogue.fields.get(name)
    return column if isinstance(column, tuple) else ("",) * len(catalogue.items)


def _ideographic(run: str) -> bool:
    return run[0] >= _FIRST_IDEOGRAPH
