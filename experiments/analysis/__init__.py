"""From moments to a scorecard, and from a scorecard to a verdict: pure, and the same for every source."""
