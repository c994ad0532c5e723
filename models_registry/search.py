"""The search for parameters: a bounded grid, each trial judged on rolling folds inside the training period. Pure.

The period that the finished candidate is judged on is never looked at: the last fold ends where it begins.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from models_registry.pipeline import (
    DataT,
    Fitted,
    Parameter,
    Parameters,
    Recipe,
    Tell,
    TrainingDataInsufficient,
    TrainingDiverged,
    TrainingRefused,
    checked_parameters,
    ensure_finite,
    servable,
)

MOST_TRIALS: Final = 32
MOST_VALUES: Final = 100
MOST_COMBINATIONS: Final = 1_000_000
FOLDS: Final = 3
_FIRST_FOLD_ENDS: Final = 0.5
"""The share of the training period's rows at which the first of the folds ends; the last one ends at all of them."""


class SearchInvalid(TrainingRefused):
    """A search names something that cannot be tried."""

    code = "SEARCH_INVALID"
    hint = "Name parameters of the recipe, each with a list of different values within its bounds."


class SearchFailed(TrainingRefused):
    """No trial of the search could be judged."""

    code = "SEARCH_FAILED"
    hint = "Choose a longer window, or values nearer to the recipe's defaults."


class TimedLog(Protocol):
    """A log whose rows have a time, in seconds since 1970, ascending."""

    @property
    def at(self) -> npt.NDArray[np.float64]:
        """The times."""


LogT = TypeVar("LogT", bound=TimedLog)
Before = Callable[[LogT, float], LogT]
"""(log, time) -> the log without the rows at this time or later."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One set of parameters and what became of it on each fold.

    tried: what the search chose, by name. folds: the mean of the rule's metric over those judged, of each fold; empty
    where `error`, the code of what went wrong, is not. data: SHA-256 of the log that was searched.
    """

    number: int
    tried: Mapping[str, float]
    folds: tuple[float, ...]
    error: str
    data: str

    @property
    def mean(self) -> float | None:
        """The mean over the folds; None where the trial failed."""
        return math.fsum(self.folds) / len(self.folds) if self.folds else None

    @property
    def bound(self) -> float | None:
        """The mean less one standard error over the folds, by which trials are compared."""
        if self.mean is None:
            return None
        if len(self.folds) < 2:
            return self.mean
        spread = math.sqrt(math.fsum((fold - self.mean) ** 2 for fold in self.folds) / (len(self.folds) - 1))
        return self.mean - spread / math.sqrt(len(self.folds))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it, with the figures that people read."""
        return {
            "number": self.number,
            "tried": dict(self.tried),
            "folds": list(self.folds),
            "mean": self.mean,
            "bound": self.bound,
            "error": self.error,
            "data": self.data,
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Return the trial that a stored entry stands for."""
        return cls(
            number=int(entry["number"]),
            tried={str(name): value for name, value in entry["tried"].items()},
            folds=tuple(map(float, entry["folds"])),
            error=str(entry["error"]),
            data=str(entry["data"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched, and how.

    parameters: those that every trial has. values: those to try, by name. finished: trials of an earlier attempt.
    tell: called with the step and the share of the search that is done; what it raises ends the search. keep: called
    with every trial once it is finished.
    """

    parameters: Mapping[str, Any]
    values: Mapping[str, Sequence[Any]]
    seed: int
    tell: Tell
    keep: Callable[[Trial], None]
    finished: Sequence[Trial] = ()
    most_trials: int = MOST_TRIALS


def search_parameters(recipe: Recipe[LogT, DataT], log: LogT, search: Search, *, before: Before[LogT]) -> Parameters:
    """Return the parameters of the best trial: the greatest mean less one standard error, of equal ones the first.

    A trial of an earlier attempt at the same data is not done again. Equal arguments give equal results.

    Raises:
        ParametersInvalid, SearchInvalid: see there. SearchFailed: no trial could be judged. TrainingDataInsufficient,
        TrainingDataInvalid: the log cannot be split.
    """
    trials = trials_of(
        search.parameters, search.values, recipe.parameters, seed=search.seed, most_trials=search.most_trials
    )
    search.tell("search", 0.0)
    facts = recipe.dataset(log, parameters=trials[0], seed=search.seed).facts
    split_at, data = datetime.fromisoformat(facts["split_at"]).timestamp(), str(facts["sha256"])
    folds = [before(log, end) for end in fold_ends(log.at, split_at)]
    done = {trial.number: trial for trial in search.finished if trial.data == data}
    found: list[Trial] = []
    for number, parameters in enumerate(trials):
        tried = {name: parameters[name] for name in sorted(search.values)}
        trial = done.get(number)
        if trial is None or dict(trial.tried) != tried:
            step = f"search {number + 1}/{len(trials)}"
            figures, error = _judged(recipe, folds, parameters, search, _within(search.tell, step, number, len(trials)))
            trial = Trial(number=number, tried=tried, folds=figures, error=error, data=data)
            search.keep(trial)
        found.append(trial)
    search.tell("search", 1.0)
    return trials[_best(found).number]


def trials_of(
    parameters: Mapping[str, Any],
    values: Mapping[str, Sequence[Any]],
    known: Mapping[str, Parameter],
    *,
    seed: int,
    most_trials: int = MOST_TRIALS,
) -> tuple[dict[str, float], ...]:
    """Return the complete parameters of every trial: the whole grid, or where it is larger a seeded part of it.

    parameters: those that every trial has. values: those to try, by name. known: of the recipe.

    Raises:
        ParametersInvalid: a fixed parameter, or a value to try, is not one that the recipe takes. SearchInvalid: there
        is nothing to try, a list is empty or has a value twice, or a parameter says how candidates are judged.
    """
    names = sorted(values)
    lists = [_checked_list(name, values[name], parameters, known) for name in names]
    shape = tuple(map(len, lists))
    size = math.prod(shape)
    if not names or not 1 <= most_trials <= MOST_TRIALS or size > MOST_COMBINATIONS:
        raise SearchInvalid(
            f"There must be something to try: 1 to {MOST_COMBINATIONS} combinations, in at most {MOST_TRIALS} trials."
        )
    places: Sequence[int] = range(size)
    if size > most_trials:
        drawn = np.random.default_rng(seed).choice(size, most_trials, replace=False)
        places = sorted(map(int, drawn))
    found = []
    for place in places:
        at = np.unravel_index(place, shape)
        tried = {name: column[int(row)] for name, column, row in zip(names, lists, at, strict=True)}
        found.append(checked_parameters({**parameters, **tried}, known))
    return tuple(found)


def fold_ends(at: npt.NDArray[np.float64], split_at: float) -> tuple[float, ...]:
    """Return where the folds end: rolling, at equal steps of the rows before `split_at`, the last one at it.

    Raises:
        TrainingDataInsufficient: there are too few different times for as many folds.
    """
    rows = int(np.searchsorted(at, split_at, side="left"))
    step = (1.0 - _FIRST_FOLD_ENDS) / (FOLDS - 1)
    shares = [_FIRST_FOLD_ENDS + step * number for number in range(FOLDS - 1)]
    ends = (*(float(at[int(rows * share)]) for share in shares if rows), split_at)
    if len(ends) < FOLDS or any(later <= earlier for earlier, later in itertools.pairwise(ends)):
        raise TrainingDataInsufficient(f"Before the test period there are too few rows for {FOLDS} folds.")
    return ends


def _checked_list(
    name: str, values: Sequence[Any], parameters: Mapping[str, Any], known: Mapping[str, Parameter]
) -> list[float]:
    if name in known and not known[name].tunable:
        raise SearchInvalid(f"{name} says how candidates are judged; trials must share it.")
    if isinstance(values, str) or not isinstance(values, Sequence) or not values or len(values) > MOST_VALUES:
        raise SearchInvalid(f"{name} has no list of 1 to {MOST_VALUES} values to try.")
    checked = [checked_parameters({**parameters, name: value}, known)[name] for value in values]
    if len(set(checked)) < len(checked):
        raise SearchInvalid(f"{name} has a value twice.")
    return checked


def _judged(
    recipe: Recipe[LogT, DataT], folds: Sequence[LogT], parameters: Parameters, search: Search, tell: Tell
) -> tuple[tuple[float, ...], str]:
    """Return the mean of the metric on each fold; none, and the code of why, where a fold cannot be judged."""
    figures: list[float] = []
    for number, fold in enumerate(folds):
        tell("", number / FOLDS)
        try:
            dataset = recipe.dataset(fold, parameters=parameters, seed=search.seed)
            fitted: Fitted = recipe.fit(
                dataset,
                parameters=parameters,
                seed=search.seed,
                tell=lambda share, number=number: tell("", (number + 0.9 * min(share, 1.0)) / FOLDS),  # type: ignore[misc]
            )
            ensure_finite(fitted.tensors)
            mean = float(recipe.evaluate(servable(fitted), dataset, champion=None).candidate.mean())
        except (TrainingDataInsufficient, TrainingDiverged) as error:
            return (), error.code
        if not math.isfinite(mean):
            return (), TrainingDiverged.code
        figures.append(mean)
    return tuple(figures), ""


def _within(tell: Tell, step: str, number: int, count: int) -> Tell:
    """Return what a trial tells the share of its own work to."""
    return lambda _step, share: tell(step, (number + share) / count)


def _best(trials: Sequence[Trial]) -> Trial:
    judged = [(trial.bound, trial) for trial in trials if trial.bound is not None]
    if not judged:
        why = ", ".join(sorted({trial.error for trial in trials}))
        raise SearchFailed(f"None of the {len(trials)} trials could be judged: {why}.")
    return max(judged, key=lambda entry: (entry[0], -entry[1].number))[1]
