"""The catalogue of the simulated shop: items in categories and styles, with price, rating, stock and quality."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulation.truth import Truth

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

CATEGORIES = (
    ("Lamps", "lamp"),
    ("Chairs", "chair"),
    ("Tables", "table"),
    ("Rugs", "rug"),
    ("Kettles", "kettle"),
    ("Knives", "knife"),
    ("Plates", "plate"),
    ("Blankets", "blanket"),
    ("Vases", "vase"),
    ("Clocks", "clock"),
    ("Mirrors", "mirror"),
    ("Baskets", "basket"),
)
STYLES = ("Oak", "Linen", "Copper", "Slate", "Glass", "Wool")
MEAN_LOG_PRICE = (3.4, 4.3, 4.7, 4.5, 3.7, 3.3, 3.0, 3.6, 3.2, 3.6, 4.0, 3.1)


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Columns of equal length, one entry for each item.

    category, style: numbers. price: currency units, whole cents. relative_price: logarithm against the category's
    mean, in standard deviations. stock: pieces, 0 where it is sold out. quality: how good it is to everybody, mean 1.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    categories: tuple[str, ...]
    category: Integers
    style: Integers
    price: Floats
    relative_price: Floats
    rating: Floats
    stock: Integers
    quality: Floats

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def in_stock(self) -> npt.NDArray[np.bool_]:
        """Whether each item can be bought."""
        return self.stock > 0


def draw_catalogue(truth: Truth, seed: int) -> Catalogue:
    """Return the catalogue of a seed: categories and styles are even, everything else is drawn."""
    generator = np.random.default_rng([seed, 101])
    numbers = np.arange(truth.items)
    category = numbers % truth.categories
    style = numbers // truth.categories % truth.styles
    relative_price = generator.normal(0.0, 1.0, truth.items)
    mean_log = np.array(MEAN_LOG_PRICE, dtype=np.float64)[category % len(MEAN_LOG_PRICE)]
    quality = generator.lognormal(0.0, truth.popularity_spread, truth.items)
    rating = np.clip(3.9 + 0.5 * np.log(quality) + generator.normal(0.0, 0.3, truth.items), 1.0, 5.0)
    sold_out = generator.uniform(size=truth.items) < truth.out_of_stock
    return Catalogue(
        ids=tuple(f"p-{number:04d}" for number in numbers),
        names=tuple(_name(int(c), int(s), int(n)) for c, s, n in zip(category, style, numbers, strict=True)),
        categories=tuple(_category(int(c))[0] for c in category),
        category=category,
        style=style,
        price=np.asarray(np.round(np.exp(mean_log + truth.price_spread * relative_price), 2), dtype=np.float64),
        relative_price=relative_price,
        rating=np.round(rating, 1),
        stock=np.where(sold_out, 0, 5000 + generator.integers(0, 5000, truth.items)),
        quality=quality / quality.mean(),
    )


def _category(number: int) -> tuple[str, str]:
    plural, singular = CATEGORIES[number % len(CATEGORIES)]
    again = number // len(CATEGORIES)
    return (f"{plural} {again + 1}", singular) if again else (plural, singular)


def _name(category: int, style: int, number: int) -> str:
    return f"{STYLES[style % len(STYLES)]} {_category(category)[1]} {number:04d}"
