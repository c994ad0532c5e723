"""Substitution clusters, derived: which items replace each other, from prices, sales, baskets and categories. Pure.

Two items replace each other where a higher price of one sells more of the other. That is tested for each pair on the
days of both, against as many false links as a shop can bear; a pair within a category has fewer rivals than one across
categories, so that less evidence links it: this is all that the category says. Items that are bought together more
often than chance has it complement each other, which speaks against. Groups are formed by average linkage (Sokal and
Michener, 1958), from the top down, and never grow beyond a size.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.cluster.hierarchy import linkage
from scipy.stats import norm

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PREFIX: Final = "derived:"
LONGEST_NAME: Final = 200
FEWEST_DAYS: Final = 20
"""On which both items of a pair are known; fewer say nothing."""
LEAST_SPREAD: Final = 0.005
"""Standard deviation of the logarithm of a price below which it has not moved."""
TOGETHER: Final = 0.5
"""How much a standard error of being bought together counts against one of the prices' evidence."""
MOST_TOGETHER: Final = (-2.0, 4.0)
LEAST_LINK: Final = 0.5
"""Mean evidence between two groups, relative to what links one pair, below which they stay apart."""


@dataclass(frozen=True, slots=True)
class Trade:
    """What a shop sold. units, prices: items x days, pieces and currency units; NaN where nobody knows.

    categories run parallel to items, "" unknown. basket, basket_item: one row for each item in each basket, places.
    """

    items: tuple[str, ...]
    categories: tuple[str, ...]
    units: Floats
    prices: Floats
    basket: npt.NDArray[np.int64]
    basket_item: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Derived:
    """Clusters, parallel to the items. priced: items whose price has moved. links: pairs that replace each other.

    contained: the share of the evidence of all links that lies within clusters, None where there are no links.
    """

    clusters: tuple[str, ...]
    priced: int
    links: int
    contained: float | None


@dataclass(frozen=True, slots=True)
class _Pairs:
    """strength: items x items, symmetric: evidence relative to what links a pair; 0 where a pair was not tested."""

    strength: Floats
    priced: Bools


def derive_clusters(trade: Trade, *, most: int, false_links: float = 1.0) -> Derived:
    """Return clusters of at most so many items; false_links: expected in each kind of pair where nothing is linked.

    Items of which nothing was measured are put together by category, for want of anything better.
    """
    if not trade.items:
        return Derived((), 0, 0, None)
    pairs = _pairs(trade, false_links)
    groups = [sorted(group) for group in _groups(pairs.strength, most)]
    alone = [group[0] for group in groups if len(group) == 1 and not pairs.priced[group[0]]]
    groups = [group for group in groups if len(group) > 1 or pairs.priced[group[0]]]
    groups += _by_category(trade.categories, alone, most)
    of_item = np.empty(len(trade.items), np.int64)
    for number, group in enumerate(groups):
        of_item[group] = number
    names = [_name(min(trade.items[place] for place in group)) for group in groups]
    rows, columns = np.nonzero(np.triu(pairs.strength >= 1, k=1))
    evidence, within = pairs.strength[rows, columns], of_item[rows] == of_item[columns]
    return Derived(
        clusters=tuple(names[number] for number in of_item),
        priced=int(pairs.priced.sum()),
        links=len(rows),
        contained=float(evidence[within].sum() / evidence.sum()) if len(rows) else None,
    )


def with_known_names(items: Sequence[str], clusters: Sequence[str], known: Mapping[str, str]) -> list[str]:
    """Return clusters under the names by which most of their items are known; a name goes to one cluster alone.

    clusters: parallel to items. known: the present name by item. So a cluster that gains an item stays what it is.
    """
    shared = Counter((cluster, known[item]) for item, cluster in zip(items, clusters, strict=True) if item in known)
    renamed: dict[str, str] = {}
    taken: set[str] = set()
    for (cluster, name), _ in sorted(shared.items(), key=lambda entry: (-entry[1], entry[0])):
        if cluster not in renamed and name not in taken:
            renamed[cluster] = name
            taken.add(name)
    # the name of a cluster that split may be what another one would be called
    free = {cluster: cluster if cluster not in taken else f"{cluster}'" for cluster in clusters}
    return [renamed.get(cluster, free[cluster]) for cluster in clusters]


def _name(item: str) -> str:
    """Return what a cluster is called whose first item this is."""
    name = f"{PREFIX}{item}"
    return name if len(name) < LONGEST_NAME else f"{PREFIX}{sha256(item.encode()).hexdigest()[:32]}"


def _pairs(trade: Trade, false_links: float) -> _Pairs:
    """Return the evidence that two items replace each other, for each pair, relative to what links one."""
    price, known = _moves(np.log(np.where(trade.prices > 0, trade.prices, np.nan)))
    sold, seen = _moves(np.log1p(trade.units))
    days = np.maximum(known.sum(axis=1), 1)
    priced = (known.sum(axis=1) >= FEWEST_DAYS) & (np.sqrt((price**2).sum(axis=1) / days) >= LEAST_SPREAD)
    price[~priced] = 0.0
    sold = _without_days(_without_own(sold, price, seen & known), seen)
    score, tested = _cross_effects(sold, seen, price, known & priced[:, None])
    score -= TOGETHER * np.clip(_together(trade), *MOST_TOGETHER)
    kinds = np.unique(trade.categories, return_inverse=True)[1]
    alike = (kinds[:, None] == kinds[None, :]) & np.array([kind != "" for kind in trade.categories])[:, None]
    strength = np.zeros_like(score)
    upper = np.triu(tested, k=1)
    for kind in (alike, ~alike):
        pairs = int((upper & kind).sum())
        if pairs:
            enough = max(float(norm.isf(min(false_links / pairs, 0.5))), 2.0)
            strength[kind & tested] = score[kind & tested] / enough
    return _Pairs(strength, priced)


def _moves(values: Floats) -> tuple[Floats, Bools]:
    """Return values around the mean of their item, 0 where nobody knows them, and where they are known."""
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    means = filled.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, filled - means[:, None], 0.0), known


def _without_own(sold: Floats, price: Floats, both: Bools) -> Floats:
    """Return sales without what the item's own price explains of them."""
    paid = np.where(both, price, 0.0)
    slope = (sold * paid).sum(axis=1) / np.maximum((paid**2).sum(axis=1), 1e-12)
    without: Floats = sold - slope[:, None] * paid
    return without


def _without_days(sold: Floats, seen: Bools) -> Floats:
    """Return sales without what all items of a day have in common."""
    common = sold.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return np.where(seen, sold - common, 0.0)


def _cross_effects(sold: Floats, seen: Bools, price: Floats, known: Bools) -> tuple[Floats, Bools]:
    """Return for each pair how many standard errors the prices of both speak for substitution, and what was tested.

    Fisher's z of the correlation between sales of one and the price of the other, both directions added.
    """
    seen_by, known_by = seen.astype(float), known.astype(float)
    days = seen_by @ known_by.T
    spread = np.sqrt((sold**2 @ known_by.T) * (seen_by @ (price**2).T))
    usable = (days >= FEWEST_DAYS) & (spread > 1e-12)
    correlation = np.where(usable, sold @ price.T / np.where(usable, spread, 1.0), 0.0)
    errors = np.arctanh(np.clip(correlation, -0.999, 0.999)) * np.sqrt(np.maximum(days - 3, 0))
    directions = usable.astype(float) + usable.T
    np.fill_diagonal(directions, 0.0)
    tested = directions > 0
    errors = np.where(tested, (errors + errors.T) / np.sqrt(np.maximum(directions, 1)), 0.0)
    return errors / _spread_of_chance(errors[np.triu(tested)]), tested


def _spread_of_chance(errors: Floats) -> float:
    """Return how far apart standard errors lie of pairs that have nothing to do with each other, at least 1.

    Most pairs are such (Efron, 2004, the empirical null): prices that stay for weeks make days less than independent.
    """
    return max(1.0, float(np.median(np.abs(errors)) / norm.ppf(0.75))) if len(errors) else 1.0


def _together(trade: Trade) -> Floats:
    """Return by how many standard errors each pair is in one basket more often than chance has it.

    Chance: every place beside an item is taken by another in proportion to how many places that one takes.
    """
    count = len(trade.items)
    if not len(trade.basket):
        return np.zeros((count, count))
    held = sparse.coo_array(
        (np.ones(len(trade.basket)), (trade.basket, trade.basket_item)), shape=(int(trade.basket.max()) + 1, count)
    ).tocsr()
    held.data[:] = 1.0
    sizes = np.asarray(held.sum(axis=1)).ravel()
    beside = held.T @ np.maximum(sizes - 1, 0)
    observed = (held.T @ held).toarray()
    expected = np.outer(beside, beside) / max(float(beside.sum()), 1.0)
    errors: Floats = (observed - expected) / np.sqrt(expected + 1.0)
    return errors


def _groups(strength: Floats, most: int) -> Iterator[list[int]]:
    """Yield groups of items: the largest ones of the tree that hold together and are not too large."""
    count = len(strength)
    if count == 1:
        yield [0]
        return
    top = max(1.0, float(strength.max()))
    rows, columns = np.triu_indices(count, k=1)
    tree = linkage(np.round(top - strength[rows, columns], 6), method="average")
    members: list[list[int]] = [[place] for place in range(count)]
    for left, right, *_ in tree:
        members.append(members[int(left)] + members[int(right)])
    waiting = [2 * count - 2]
    while waiting:
        node = waiting.pop()
        if node < count:
            yield members[node]
            continue
        left, right, distance, size = tree[node - count]
        between = top - distance
        pairs = len(members[int(left)]) * len(members[int(right)])
        if size <= most and between >= LEAST_LINK and between * np.sqrt(pairs) >= 1:
            yield members[node]
        else:
            waiting += [int(right), int(left)]


def _by_category(categories: Sequence[str], places: Sequence[int], most: int) -> Iterator[list[int]]:
    """Yield items of one category in groups as equal as can be; one without a category stays alone."""
    sizes = Counter(categories[place] for place in places)
    for category in sorted(sizes):
        alike = [place for place in sorted(places) if categories[place] == category]
        parts = len(alike) if category == "" else -(-len(alike) // most)
        for part in np.array_split(np.array(alike), parts):
            yield [int(place) for place in part]
