"""What every app needs: projects, keys, jobs, the journal, clocks, ids, money and errors."""
