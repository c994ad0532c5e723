"""Tables of the experiments app; only its actions, queries and admin touch them."""

from experiments.models.allocation import AllocationEpoch, EpochAllocation
from experiments.models.design import AnalysisPlan, Experiment, ExperimentMetric, Variant
from experiments.models.evidence import FirstExposure, Outcome, Quarantine
from experiments.models.external import ExternalAggregate, ExternalUnit, RecordedImport
from experiments.models.metrics import Metric
from experiments.models.results import Scorecard
from experiments.models.traffic import Holdout, Layer, LayerRange

__all__ = [
    "AllocationEpoch",
    "AnalysisPlan",
    "EpochAllocation",
    "Experiment",
    "ExperimentMetric",
    "ExternalAggregate",
    "ExternalUnit",
    "FirstExposure",
    "Holdout",
    "Layer",
    "LayerRange",
    "Metric",
    "Outcome",
    "Quarantine",
    "RecordedImport",
    "Scorecard",
    "Variant",
]
