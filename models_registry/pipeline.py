"""The training protocol: dataset -> fit -> evaluate -> gate -> export. Pure: what it returns depends on its arguments.

A recipe knows how to do the first three for one kind of model; the gate and the export are the same for all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar

import numpy as np

from foundation.errors import DomainError
from models_registry.artifacts import Artifact, ArtifactMalformed, Manifest, TensorSpec, pack
from models_registry.compression import Compression, encoded
from models_registry.gates import CHAMPION, Evaluation, GateResult, GateRule, judge
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.protocol import Predictor
from models_registry.timing import latency_of
from models_registry.vocabulary import PredictorKind

Parameters = Mapping[str, float]
"""Checked parameters of a recipe, complete; whole ones are ints."""
Tell = Callable[[str, float], None]

_FIT_BEGINS: Final = 0.1
_FIT_ENDS: Final = 0.8
_TOLD_EVERY: Final = 0.01
_MOST_SHARE: Final = 0.9
"""Compression that leaves more than this share of the bytes does not win: the artifact stays as it was learnt."""


class TrainingRefused(DomainError):
    """A model cannot be trained; the base of every way in which that happens."""

    code = "TRAINING_REFUSED"
    hint = "The champion goes on serving."


class TrainingDataInsufficient(TrainingRefused):
    """The window holds too little to learn from."""

    code = "TRAINING_DATA_INSUFFICIENT"
    hint = "Choose a longer window, or wait until more has been recorded."


class TrainingDataInvalid(TrainingRefused):
    """The window holds values that cannot be: not finite, out of bounds, or columns of different lengths."""

    code = "TRAINING_DATA_INVALID"
    hint = "Mend the catalogue or the events of the window that the message names."


class TrainingDiverged(TrainingRefused):
    """Training did not settle: its loss or its weights are not finite, or far worse than guessing."""

    code = "TRAINING_DIVERGED"
    hint = "Train with a lower learning rate."


class ParametersInvalid(TrainingRefused):
    """A parameter is unknown, or its value is none that the recipe takes."""

    code = "PARAMETERS_INVALID"
    hint = "Use the parameters that the message names, within their bounds."


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a recipe: what it does, its default, and its bounds, both included.

    tunable: whether a search may try values of it; not where it says how candidates are judged.
    """

    about: str
    default: float
    least: float
    most: float
    whole: bool = False
    tunable: bool = True


COMPRESS: Final = Parameter(
    about="How the tables are stored: 0 as learnt, 1 with half the bits, 2 with a byte for each number.",
    default=Compression.NONE.value,
    least=Compression.NONE.value,
    most=Compression.INT8.value,
    whole=True,
    tunable=False,
)
"""A recipe whose models may be stored in fewer bytes has it among its parameters, as `compress`."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What training ends in: the arrays and settings of an artifact, before anyone has judged them."""

    kind: PredictorKind
    inputs: tuple[str, ...]
    tensors: Mapping[str, np.ndarray]
    settings: Mapping[str, Any]

    def predictor(self) -> Predictor:
        """Return the predictor that will serve: what is judged is what serves. Raises ArtifactMalformed."""
        return predictor_of(Artifact(self.manifest(), self.tensors))

    def manifest(self) -> Manifest:
        """Return the manifest of the artifact."""
        specs = {name: TensorSpec(tensor.shape, tensor.dtype.name) for name, tensor in self.tensors.items()}
        return Manifest(kind=self.kind, inputs=self.inputs, tensors=specs, settings=self.settings)


class Dataset(Protocol):
    """What a recipe learns from and is judged on."""

    @property
    def facts(self) -> dict[str, Any]:
        """Its lineage as JSON: rows, `sha256` of the columns, window; `split_at`, ISO 8601: the test period's begin."""


Log_contra = TypeVar("Log_contra", contravariant=True)
DataT = TypeVar("DataT", bound=Dataset)


class Recipe(Protocol[Log_contra, DataT]):
    """How one kind of model is trained from a log. Equal arguments give equal results.

    A recipe that counts the rows of a log by its `weights` says so with an attribute `takes_weights` that is True. One
    whose predictors are asked in places of the dataset's catalogue has a method `aligned(predictor, dataset)` that
    returns a predictor of another training, asked in those places. One whose figure by user is not NDCG@10 has an
    attribute `metric` that names it.
    """

    @property
    def kind(self) -> PredictorKind:
        """How its models predict."""

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """What may be set, by name."""

    def dataset(self, log: Log_contra, *, parameters: Parameters, seed: int) -> DataT:
        """Return what to learn from and what to judge by. Raises TrainingDataInsufficient, TrainingDataInvalid."""

    def fit(self, dataset: DataT, *, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Fitted:
        """Return what was learnt; `tell` is called with the share of the work done. Raises TrainingDiverged."""

    def evaluate(self, predictor: Predictor, dataset: DataT, *, champion: Predictor | None) -> Evaluation:
        """Return what the predictor makes of users it was not trained on, beside popularity and the champion."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The outcome of a training. `artifact` is None where the gate refused; everything is there to show why."""

    kind: PredictorKind
    artifact: bytes | None
    signature: dict[str, Any]
    metrics: dict[str, float]
    gate: GateResult
    dataset: dict[str, Any]
    parameters: dict[str, float]


def run_pipeline(
    recipe: Recipe[Log_contra, DataT],
    log: Log_contra,
    *,
    parameters: Mapping[str, Any],
    seed: int,
    gate: GateRule,
    tell: Tell,
    champion: Predictor | None = None,
) -> Trained:
    """Return the trained, judged and exported model; equal arguments give equal results.

    parameters: those to set; the others have the recipe's defaults. tell: called with the step and the share of the
    whole that is done; what it raises ends the training. champion: what serves now, to compare with.

    Raises:
        ParametersInvalid, TrainingDataInsufficient, TrainingDataInvalid, TrainingDiverged: see there.
    """
    complete = checked_parameters(parameters, recipe.parameters)
    tell("dataset", 0.0)
    dataset = recipe.dataset(log, parameters=complete, seed=seed)
    tell("fit", _FIT_BEGINS)
    fitted = recipe.fit(
        dataset,
        parameters=complete,
        seed=seed,
        tell=_fitting(tell),
    )
    ensure_finite(fitted.tensors)
    tell("evaluate", _FIT_ENDS)
    fitted, evaluation = _evaluated(
        fitted,
        lambda predictor: recipe.evaluate(predictor, dataset, champion=champion),
        how=Compression(int(complete.get("compress", Compression.NONE))),
        metric=gate.metric,
    )
    if champion is not None and gate.champion_margin is not None:
        evaluation = _beside_champion(evaluation)
    tell("gate", 0.95)
    artifact = _export(fitted)
    judged = judge(replace(evaluation, size=len(artifact)), gate)
    tell("export", 0.97)
    trained = Trained(
        kind=fitted.kind,
        artifact=artifact if judged.passed else None,
        signature=fitted.manifest().signature(),
        metrics=dict(evaluation.metrics),
        gate=judged,
        dataset=dict(dataset.facts),
        parameters=complete,
    )
    tell("done", 1.0)
    return trained


def checked_parameters(given: Mapping[str, Any], known: Mapping[str, Parameter]) -> dict[str, float]:
    """Return every parameter of a recipe, the given ones in place of their defaults.

    Raises:
        ParametersInvalid: one is unknown, no number, not whole where it must be, or out of bounds.
    """
    unknown = sorted(map(str, set(given) - set(known)))
    if unknown:
        raise ParametersInvalid(f"Unknown parameters: {', '.join(unknown)}. There are: {', '.join(sorted(known))}.")
    return {name: _checked(name, given.get(name, known[name].default), known[name]) for name in sorted(known)}


def metric_of(recipe: object) -> str | None:
    """Return what the figures of a recipe's evaluation are called, None for the default of gates."""
    found = getattr(recipe, "metric", None)
    return found if isinstance(found, str) else None


def takes_weights(recipe: object) -> bool:
    """Return whether a recipe counts rows by their weights; one that says nothing of it does not."""
    return getattr(recipe, "takes_weights", False) is True


def aligned(recipe: object, predictor: Predictor, dataset: Dataset) -> Predictor:
    """Return a predictor of an earlier training as the recipe would judge it on this dataset."""
    align = getattr(recipe, "aligned", None)
    found: Predictor = predictor if align is None else align(predictor, dataset)
    return found


def ensure_finite(tensors: Mapping[str, np.ndarray]) -> None:
    """Let pass arrays that hold finite numbers only. Raises TrainingDiverged, naming the array."""
    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise TrainingDiverged(f"The array {name} has values that are not finite.")


def servable(fitted: Fitted) -> Predictor:
    """Return the predictor. Raises TrainingDiverged where the arrays are too large to serve."""
    try:
        return fitted.predictor()
    except ArtifactMalformed as error:
        raise TrainingDiverged(f"What was learnt cannot serve: {error.message}") from error


def _evaluated(
    fitted: Fitted, evaluate: Callable[[Predictor], Evaluation], *, how: Compression, metric: str
) -> tuple[Fitted, Evaluation]:
    """Return what will serve and how good it is; in fewer bytes where that was asked for and wins, with its loss."""
    predictor = servable(fitted)
    evaluation = evaluate(predictor)
    small = encoded(fitted.tensors, fitted.settings, how)
    share = _bytes(small.tensors) / max(1, _bytes(fitted.tensors))
    if small.is_smaller and share <= _MOST_SHARE:
        fitted = replace(fitted, tensors=small.tensors, settings=small.settings)
        predictor, as_learnt = servable(fitted), evaluation
        evaluation = evaluate(predictor)
        measured = {"compressed_share": share}
        if metric in evaluation.metrics and metric in as_learnt.metrics:
            measured["compressed_loss"] = as_learnt.metrics[metric] - evaluation.metrics[metric]
        evaluation = replace(evaluation, metrics={**evaluation.metrics, **measured})
    if evaluation.requests and evaluation.latency is None:
        evaluation = replace(evaluation, latency=latency_of(predictor, evaluation.requests))
    return fitted, evaluation


def _beside_champion(evaluation: Evaluation) -> Evaluation:
    """Return it with figures of the champion: not finite where it could not be asked, so that no margin is kept."""
    unknown = np.full_like(evaluation.candidate, np.nan)
    return replace(evaluation, references={CHAMPION: unknown, **evaluation.references})


def _bytes(tensors: Mapping[str, np.ndarray]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())


def _fitting(tell: Tell) -> Callable[[float], None]:
    """Return what a recipe tells its share of the work to; only every hundredth of it is passed on."""
    told = 0.0

    def pass_on(share: float) -> None:
        nonlocal told
        if share >= min(1.0, told + _TOLD_EVERY):
            told = share
            tell("fit", _FIT_BEGINS + (_FIT_ENDS - _FIT_BEGINS) * min(share, 1.0))

    return pass_on


def _checked(name: str, value: Any, parameter: Parameter) -> float:
    bounds = (
        f"{name} must be a {'whole ' if parameter.whole else ''}number from {parameter.least:g} to {parameter.most:g}"
    )
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ParametersInvalid(f"{bounds}; it is a {type(value).__name__}.")
    if not parameter.least <= value <= parameter.most or (parameter.whole and value != int(value)):
        raise ParametersInvalid(f"{bounds}.")
    return int(value) if parameter.whole else float(value)


def _export(fitted: Fitted) -> bytes:
    return pack(kind=fitted.kind, inputs=fitted.inputs, tensors=fitted.tensors, settings=fitted.settings)
