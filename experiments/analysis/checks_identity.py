"""Checks of identity: whether the same shopper keeps the same id."""

import math
from collections.abc import Sequence
from typing import Final

from experiments.analysis.check_context import CheckContext, Figures, Found, judged, not_applicable
from experiments.analysis.inputs import BrowserReturns
from experiments.statistics.distributions import normal_cdf

_ALPHA: Final = 0.001
"""Shared by the browsers that are compared."""
_RATIO: Final = 0.5
"""Shoppers of one browser may well be less loyal than others; that half of them do not come back is another thing."""
_FEWEST_EXPECTED: Final = 10.0
"""Visitors that have to be expected back at that ratio, for the normal approximation to hold."""


def visitor_ids(context: CheckContext) -> Found:
    """Check that in no browser less than half as many visitors come back after a week as in the others.

    One-sided score test of H0: share >= ratio * share of the others, with the variance under H0:
    z = (p_b - r p_o) / sqrt(r p_o (1 - r p_o) / n_b + r^2 p_o (1 - p_o) / n_o).
    """
    browsers = context.inputs.health.returns
    tested = [(browser, others) for browser in browsers if (others := _others(browser, browsers)) is not None]
    if not tested:
        return not_applicable("too few visitors of several browsers were exposed more than ten days ago")
    scores = [(_score(browser, others), browser, others) for browser, others in tested]
    score, browser, others = min(scores, key=lambda found: (found[0], found[1].browser))
    p = min(1.0, normal_cdf(score) * len(tested))
    figures: Figures = {
        "browser": browser.browser,
        "units": browser.visitors,
        "share": browser.share,
        "share_of_others": others.share,
        "p": p,
        "tests": len(tested),
    }
    return judged(p < _ALPHA, figures)


def _others(browser: BrowserReturns, browsers: Sequence[BrowserReturns]) -> BrowserReturns | None:
    """Return all other browsers as one, or None where there are too few visitors for a comparison."""
    visitors = sum(found.visitors for found in browsers) - browser.visitors
    returned = sum(found.returned for found in browsers) - browser.returned
    if visitors == 0 or browser.visitors == 0:
        return None
    least = min(browser.visitors, visitors)
    return BrowserReturns("", visitors, returned) if _RATIO * returned / visitors * least >= _FEWEST_EXPECTED else None


def _score(browser: BrowserReturns, others: BrowserReturns) -> float:
    expected = _RATIO * others.share
    variance = expected * (1.0 - expected) / browser.visitors
    variance += _RATIO**2 * others.share * (1.0 - others.share) / others.visitors
    return (browser.share - expected) / math.sqrt(variance)
