"""Tables of the experiments app; only its actions, queries and admin touch them."""

from experiments.models.allocation import AllocationEpoch, EpochAllocation
from experiments.models.design import (
    AnalysisPlan,
    Blackout,
    Experiment,
    ExperimentMetric,
    PayableOverride,
    Variant,
)
from experiments.models.evidence import FilteredUnit, FirstExposure, Outcome, Quarantine
from experiments.models.exploration import ExploratoryScorecard
from experiments.models.external import ExternalAggregate, ExternalUnit, RecordedImport
from experiments.models.filters import Filter
from experiments.models.flags import Flag
from experiments.models.identities import IdentityLink
from experiments.models.metrics import Metric
from experiments.models.results import Scorecard
from experiments.models.schedules import PeriodSchedule
from experiments.models.traffic import Holdout, Layer, LayerRange

__all__ = [
    "AllocationEpoch",
    "AnalysisPlan",
    "Blackout",
    "EpochAllocation",
    "Experiment",
    "ExperimentMetric",
    "ExploratoryScorecard",
    "ExternalAggregate",
    "ExternalUnit",
    "Filter",
    "FilteredUnit",
    "FirstExposure",
    "Flag",
    "Holdout",
    "IdentityLink",
    "Layer",
    "LayerRange",
    "Metric",
    "Outcome",
    "PayableOverride",
    "PeriodSchedule",
    "Quarantine",
    "RecordedImport",
    "Scorecard",
    "Variant",
]
