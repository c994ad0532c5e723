"""bin/manage try: a try-out on somebody's own order log, without servers."""

from experiments.management.trial import Command

__all__ = ["Command"]
