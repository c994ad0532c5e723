"""What is tested, and what came out: experiments, their analysis and their verdicts."""
