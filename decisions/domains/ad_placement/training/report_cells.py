"""Figures as the cells of a report's tables."""

import math

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from decisions.domains.ad_placement.training.contenders import gain
from decisions.domains.ad_placement.training.dataset import AdData
from decisions.domains.ad_placement.training.figures import auc, log_loss
from decisions.domains.ad_placement.training.off_policy import Estimate
from decisions.domains.ad_placement.training.upworthy import Picked

Floats = npt.NDArray[np.float64]


def fit_cells(rates: Floats, reference: Floats, data: AdData) -> tuple[str, ...]:
    """Return log-loss, gain over the reference in thousandths with its interval, and area under the curve."""
    better, area = gain(rates, reference, data), auc(rates, data.judged)
    return (
        f"{log_loss(rates, data.judged):.5f}",
        "reference"
        if rates is reference
        else interval(better.value * 1_000, better.lower * 1_000, better.upper * 1_000, digits=3),
        "-" if area is None else f"{area:.3f}",
    )


def calibration_cell(rates: Floats, data: AdData) -> str:
    """Return expected clicks by observed ones."""
    observed = float(data.judged.clicked.sum())
    return f"{float(rates @ data.judged.shown) / observed:.3f}" if observed else "-"


def accuracy_cells(hits: Floats, chances: Floats) -> tuple[str, str]:
    """Return the accuracy, and its mean difference to chance with the t interval over tests."""
    better = hits - chances
    half = float(stdtrit(len(better) - 1, 0.975)) * float(better.std(ddof=1)) / math.sqrt(len(better))
    mean = float(better.mean())
    return f"{hits.mean():.1%}", interval(mean * 100, (mean - half) * 100, (mean + half) * 100, digits=1)


def estimate_cell(estimate: Estimate) -> str:
    """Return an estimate of a rate in percent with its interval."""
    return interval(estimate.value * 100, estimate.lower * 100, estimate.upper * 100, digits=3)


def interval(value: float, lower: float, upper: float, *, digits: int) -> str:
    """Return a figure with its interval."""
    return f"{value:+.{digits}f} [{lower:+.{digits}f}, {upper:+.{digits}f}]"


def headline_cells(rates: Floats, reference: Floats, data: AdData, found: Picked) -> tuple[str, ...]:
    """Return the cells of a contender on headlines."""
    return (
        *fit_cells(rates, reference, data),
        calibration_cell(rates, data),
        *accuracy_cells(found.hits, found.chances),
    )
