"""A process whose children fold one batch of rewards in: `python -m tests.decisions.actions.updater LEARNER UNTIL NOW`.

Told "go" it forks a child that does, and says its process id; told "wait ID" it says with which status that one ended.
"""

import config.arithmetic  # noqa: F401 - before NumPy is imported: a child has no threads of its parent

# isort: split
import os
import sys
from datetime import datetime

import django


def main() -> None:
    """Obey until the input ends."""
    django.setup()
    from decisions.actions.learning import update_learner

    learner_id, until, now = int(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
    tell("ready")
    for line in sys.stdin:
        command, _, process = line.strip().partition(" ")
        if command == "wait":
            tell(os.waitstatus_to_exitcode(os.waitpid(int(process), 0)[1]))
            continue
        child = os.fork()
        if child == 0:
            status = 1
            try:
                update_learner(learner_id=learner_id, until=until, now=now)
                status = 0
            finally:
                os._exit(status)
        tell(child)


def tell(answer: object) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
