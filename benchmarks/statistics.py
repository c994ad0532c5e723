"""Milliseconds of the pure statistics of one experiment, and microseconds for each comparison beside other programs.

Three variants, 20 metrics, 8 dimensions of 10 levels, CUPED: 40 comparisons and 3 200 segments from moments (target:
50 ms); the bounds of 28 group-sequential looks (20 ms). The peers get the same moments in the form each takes fastest.
The ratio of a method is what the fastest peer takes over what we take in the faster of two ways: one comparison after
another, or all together in arrays, as segments are computed.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np

from benchmarks import statistics_material as material
from benchmarks.peers.environments import PEERS, times_of
from benchmarks.peers.timing import Method, timed
from config.local.places import state_directory
from experiments.analysis.build import build_scorecard
from experiments.analysis.estimate import Estimated, Stratified, estimate
from experiments.analysis.plan import Adjustment
from experiments.analysis.segment_estimates import estimate_batch
from experiments.statistics import adjustment, lift, proportion_formulas, proportions, ratios
from experiments.statistics.batch_segments import heterogeneities
from experiments.statistics.batches import DEFINED, MomentBatch
from experiments.statistics.distributions import normal_sf
from experiments.statistics.group_sequential import lan_demets
from experiments.statistics.means import welch
from experiments.statistics.moments import Moments
from experiments.statistics.multiplicity import benjamini_hochberg
from experiments.statistics.pair import Pair, difference_interval, p_value
from experiments.statistics.results import Undefined
from experiments.vocabulary import MetricKind

RUNS = 9
LOOKS = 28
Z = 1.959963984540054


def main() -> int:
    """Print the measurement as JSON."""
    plan, inputs, groups = material.experiment(seed=1)
    print("  one experiment", file=sys.stderr)
    segments = _milliseconds(lambda: _segments(groups))
    comparisons = _milliseconds(lambda: _comparisons(groups))
    without = material.without_segments(inputs)
    result = {
        "benchmark": "statistics",
        "comparisons": sum(len(group.whole) for group in groups),
        "segments": sum(group.control.size for group in groups),
        "milliseconds_from_moments": round(segments + comparisons, 2),
        "milliseconds_of_comparisons": comparisons,
        "milliseconds_of_segments": segments,
        "milliseconds_of_scorecard_from_sums": _milliseconds(lambda: build_scorecard(plan, inputs)),
        "milliseconds_of_scorecard_without_segments": _milliseconds(lambda: build_scorecard(plan, without)),
        "milliseconds_of_bounds_of_28_looks": _milliseconds(_bounds_of_looks()),
        "microseconds_for_each_comparison": _methods(),
    }
    print(json.dumps(result))
    return 0


def _milliseconds(work: Callable[[], object]) -> float:
    work()
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return round(statistics.median(taken) * 1e3, 2)


def _segments(groups: Sequence[material.Group]) -> None:
    """Compute every segment's figures, the tests of equal effects, shrunken effects and corrected p-values."""
    for group in groups:
        found = estimate_batch(group.kind, [group.control], [group.treatment], adjust=Adjustment.LIN, z=Z)
        known = found.reason == DEFINED
        sizes = np.add.reduceat(known, np.arange(0, known.size, material.LEVELS))
        heterogeneities(found.difference[known], found.se[known] ** 2, sizes)
        family = material.LEVELS * material.DIMENSIONS
        for start in range(0, known.size, family):
            rows = slice(start, start + family)
            benjamini_hochberg(found.p_value[rows][known[rows]].tolist())


def _comparisons(groups: Sequence[material.Group]) -> None:
    """Compute the effects of all metrics and treatments with their intervals, one after another."""
    for group in groups:
        for control, treatment in group.whole:
            found = estimate(group.kind, Stratified((control,)), Stratified((treatment,)), adjust=Adjustment.LIN)
            if isinstance(found, Estimated):
                found.effect.p_value(), found.effect.absolute(Z), found.effect.lift(Z)


def _bounds_of_looks() -> Callable[[], object]:
    """Return the work of computing 28 bounds at a level that no earlier call had, so that no cache has them."""
    information = tuple((k + 1) / LOOKS for k in range(LOOKS))
    levels = count(1)
    return lambda: lan_demets(information, 0.05 - 1e-6 * next(levels))


def _methods() -> dict[str, Any]:
    """Return microseconds by method and program, and how many times longer the fastest peer takes."""
    drawn = material.comparisons(seed=2)
    given = json.dumps(
        {name: [[material.as_json(arm) for arm in pair] for pair in pairs] for name, pairs in drawn.items()}
    )
    folder = state_directory() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    peers = {}
    for peer in PEERS:
        print(f"  {peer.package}", file=sys.stderr)
        peers[f"{peer.package} {peer.version}"] = times_of(peer, folder, given)
    print("  tiltyard", file=sys.stderr)
    return {name: _method(name, pairs, peers) for name, pairs in drawn.items()}


def _method(name: str, pairs: Sequence[material.Pair], peers: dict[str, Any]) -> dict[str, Any]:
    alone = timed(_one_by_one(name, pairs), len(pairs))
    together = timed(_together(name, pairs), len(pairs))
    times = {"tiltyard, one by one": alone["microseconds"], "tiltyard, together": together["microseconds"]}
    others = {}
    for peer, found in peers.items():
        if isinstance(found, str):
            times[peer] = found
        elif name not in found:
            times[peer] = "does not have it"
        else:
            others[peer] = found[name]["microseconds"]
            times[peer] = others[peer]
            gap = np.abs(np.array(found[name]["p_values"]) - np.array(alone["p_values"]))
            times[f"{peer}, largest difference of p"] = float(f"{gap.max():.1e}")
    fastest = min(others.values(), default=None)
    if fastest is not None:
        times["ratio of the fastest peer to ours one by one"] = round(fastest / alone["microseconds"], 2)
        times["ratio of the fastest peer to ours together"] = round(fastest / together["microseconds"], 2)
    return times


def _one_by_one(name: str, pairs: Sequence[material.Pair]) -> Method:
    """Return the pass over all comparisons with the p-value, the interval of the difference and that of the lift."""
    work = {"proportions": _proportions, "means": _means, "ratio": _ratio, "cuped": _cuped}[name]
    return lambda: [work(control, treatment) for control, treatment in pairs]


def _proportions(control: Moments, treatment: Moments) -> float:
    counts = proportions.Counts(
        control.n, round(control.n * control.mean_of("y")), treatment.n, round(treatment.n * treatment.mean_of("y"))
    )
    z = proportions.pooled_z(counts)
    assert not isinstance(z, Undefined)
    proportion_formulas.wald_difference(counts, Z)
    proportion_formulas.katz_log(counts, Z)
    return min(1.0, 2.0 * normal_sf(abs(z)))


def _means(control: Moments, treatment: Moments) -> float:
    return _told(welch(control, treatment))


def _ratio(control: Moments, treatment: Moments) -> float:
    lines = []
    for arm in (control, treatment):
        denominator = arm.mean_of("d")
        lines.append(ratios.linearise(arm, ratio=arm.mean_of("y") / denominator, denominator=denominator))
    return _told(welch(lines[0], lines[1]))


def _cuped(control: Moments, treatment: Moments) -> float:
    kept = adjustment.usable_covariates(control, treatment, ("x",))
    found = adjustment.lin(control, treatment, kept)
    assert not isinstance(found, Undefined)
    return _told(found.pair)


def _told(pair: Pair | Undefined) -> float:
    assert not isinstance(pair, Undefined)
    q = pair.multiplier(Z)
    difference_interval(pair, q)
    lift.fieller(pair, q)
    return p_value(pair)


def _together(name: str, pairs: Sequence[material.Pair]) -> Method:
    """Return the pass over all comparisons in arrays, by the methods of the default plan."""
    kind = {"proportions": MetricKind.CONVERSION, "ratio": MetricKind.RATIO}.get(name, MetricKind.SUM)
    control, treatment = (MomentBatch.of([pair[side] for pair in pairs]) for side in (0, 1))

    def every() -> Sequence[float]:
        found = estimate_batch(kind, [control], [treatment], adjust=Adjustment.LIN, z=Z)
        values: list[float] = found.p_value.tolist()
        return values

    return every


if __name__ == "__main__":
    sys.exit(main())
