"""`bin/demo`: a simulated shop with known truth, through real processes; or many shops in process."""

import argparse
import os
import signal
import sys
from contextlib import ExitStack
from types import FrameType

from config.environment import EnvironmentFault, load
from config.local.demo_faults import DemoFailed
from config.local.demo_study import write_study
from config.local.embedded import ensure_services
from config.local.faults import LocalServiceError
from config.local.places import state_directory

SECONDS_PER_DAY = 6.0
ABOUT = """
Sets up what is missing, starts a whole site on free ports (edge twice, console, worker, trainer, beat), and lets a
simulated shop live through three weeks: it sends its catalogue and six days of browsing, has a challenger trained by a
worker, runs four experiments on the same visitors through the HTTP interface, and holds every verdict against the
truth, whose digest it printed before. Of each visitor it sends browser and channel, which the readouts compare; one in
fifty is a robot, which a filter leaves out.
"""
MIRROR = """
Packages come from where pip or uv are told to look: PIP_INDEX_URL or UV_DEFAULT_INDEX name a mirror.
Exit code: 0 only if no verdict is against the truth; undecided ones are allowed and counted.
"""


def main(arguments: list[str]) -> int:
    """Run the demonstration, or the study, and return the exit code."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if options.fast:
        return write_study(options.seeds)
    state = state_directory()
    try:
        with ExitStack() as stack:
            stack.enter_context(ensure_services(state))
            environment = load()
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
            import django

            django.setup()
            from config.local.demo_live import demonstrate

            secret = environment.secret_key.get_secret_value()
            return demonstrate(stack, state / "demo", secret, options)
    except (EnvironmentFault, LocalServiceError, DemoFailed) as fault:
        print(fault, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End in good order, with every process that was started."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/demo", description=ABOUT, epilog=MIRROR, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--light", action="store_true", help="without TensorFlow: train an item-item model")
    parser.add_argument("--approve", action="store_true", help="approve the promotion, then roll it back once")
    parser.add_argument("--keep", action="store_true", help="leave the site running to look at its pages")
    parser.add_argument("--seed", type=int, default=1, help="seed of the shop (default 1)")
    parser.add_argument("--visitors", type=int, default=None, help="new visitors a simulated day (default 800)")
    parser.add_argument(
        "--seconds-per-day",
        type=float,
        default=SECONDS_PER_DAY,
        help=f"real seconds a simulated day (default {SECONDS_PER_DAY:g})",
    )
    parser.add_argument("--fast", action="store_true", help="many shops in process instead; writes docs/demo.md")
    parser.add_argument("--seeds", type=int, default=200, help="how many shops with --fast (default 200)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
