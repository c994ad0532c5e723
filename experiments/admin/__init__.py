"""The admin of experiments: forms and buttons that translate and then call one action."""

from experiments.admin import blackouts, experiments, filters, flags, metrics, results, traffic

__all__ = ["blackouts", "experiments", "filters", "flags", "metrics", "results", "traffic"]
