"""From a plan's metrics to exact power sums: one Ibis expression, run where the data are."""
