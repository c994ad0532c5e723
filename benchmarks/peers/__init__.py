"""Other programs' statistics, timed on the same moments: each module runs in an environment of its own."""
