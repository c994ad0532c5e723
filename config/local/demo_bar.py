"""How a long command tells where it is: chapters with the time passed, and bars (ten lines where it is no terminal)."""

import sys
import time

WIDTH = 30


class Story:
    """Tells each chapter with the seconds since the beginning."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """The seconds since the beginning."""
        return time.monotonic() - self._start

    def tell(self, line: str) -> None:
        """Print one line."""
        print(f"[{self.seconds:4.0f} s] {line}", flush=True)


class Bar:
    """Tells how much of `total` is done."""

    def __init__(self, title: str, total: float) -> None:
        self._title, self._total = title, total
        self._start = time.monotonic()
        self._drawn = sys.stdout.isatty()
        self._tenths = 0

    def show(self, done: float, note: str = "") -> None:
        """Draw the bar at `done`, the last time at `total`."""
        share = min(1.0, done / self._total)
        took = time.monotonic() - self._start
        told = f"{done:.0f}/{self._total:.0f}, {took:.0f} s{', ' if note else ''}{note}"
        if self._drawn:
            filled = round(WIDTH * share)
            # what an earlier, longer note left behind is cleared up to the end of the line
            line = f"\r{self._title} [{'#' * filled}{'.' * (WIDTH - filled)}] {told}\x1b[K"
            print(line, end="\n" if share >= 1.0 else "", flush=True)
        elif int(share * 10) > self._tenths:
            self._tenths = int(share * 10)
            print(f"{self._title}: {told}", flush=True)
