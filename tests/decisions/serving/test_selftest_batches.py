"""A point that decides in batches is tried before it is published: its baseline has to answer for a plain subject."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from decisions.moment import Catalogue, Eligible, Moment
from decisions.serving.bundle import LiveBundle, open_bundle
from decisions.serving.points import DecisionPoint
from decisions.serving.selftest_batches import examine_batch_point
from decisions.vocabulary import BundleSource
from experiments.assignment.reading import BundleInvalid
from tests.decisions.published import companion, decision_content, point, published

DOMAINS = ("pricing", "restock")


def bundle_of(domain: str) -> LiveBundle:
    entry = point(key="p", domain=domain, personal=False, slate_size=1, largest_slate=1)
    return open_bundle(published(decision_content(points=[entry]), companion()), source=BundleSource.POSTGRES)


def changed(known: DecisionPoint, **hooks: Any) -> DecisionPoint:
    domain = known.domain
    return replace(known, domain=replace(domain, hooks=replace(domain.hooks, **hooks)))


@pytest.mark.parametrize("domain", DOMAINS)
def test_examine__domain_as_it_is__passes(domain):
    bundle = bundle_of(domain)
    examine_batch_point(bundle.points.by_key["p"], bundle)


@pytest.mark.parametrize("domain", DOMAINS)
def test_examine__domain_that_fails_or_has_nothing__is_refused_with_the_path(domain):
    bundle = bundle_of(domain)
    known = bundle.points.by_key["p"]

    def broken(*_arguments: object) -> Any:
        raise KeyError("price")

    def nothing(moment: Moment, menu: Catalogue) -> Eligible:
        return Eligible(np.zeros(0, np.int64), {"floor": len(menu.items)})

    for hooks in ({"menu": broken}, {"eligible": nothing}):
        with pytest.raises(BundleInvalid, match=r"bundle\.decision_points\[p\]"):
            examine_batch_point(changed(known, **hooks), bundle)
