"""Fewer bytes: what comes back, by how much it is off at most, and what no loader takes for compressed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models_registry.artifacts import Artifact, ArtifactMalformed, Manifest, digest, open_artifact, pack, seal
from models_registry.compression import LEAST_NUMBERS, SETTING, Compression, decoded, encoded
from models_registry.gates import POPULARITY, Evaluation, GateRule
from models_registry.pipeline import COMPRESS, Fitted, Parameter, Parameters, run_pipeline
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind

KEY = b"k" * 32
TABLE = np.random.default_rng(1).normal(size=(128, 64)).astype(np.float32)
SMALL = np.arange(6, dtype=np.float32).reshape(2, 3)


def artifact(tensors: Mapping[str, np.ndarray], said: object) -> Artifact:
    return Artifact(Manifest(PredictorKind.POPULARITY, (), {}, {SETTING: said}), tensors)


def there_and_back(tensors: Mapping[str, np.ndarray], how: Compression) -> Mapping[str, np.ndarray]:
    small = encoded(tensors, {"depth": 3}, how)
    content = pack(kind=PredictorKind.POPULARITY, inputs=(), tensors=small.tensors, settings=small.settings)
    sha = digest(content)
    return decoded(open_artifact(content, sha=sha, sealed=seal(sha, KEY), key=KEY)).tensors


def test_encoded__nothing_asked__is_as_it_was():
    tensors = {"w": TABLE}
    small = encoded(tensors, {"depth": 3}, Compression.NONE)
    assert not small.is_smaller
    assert small.settings == {"depth": 3}
    assert small.tensors["w"] is TABLE


@pytest.mark.parametrize(("how", "share"), [(Compression.FLOAT16, 0.5), (Compression.INT8, 0.2656)])
def test_encoded__a_table__has_so_many_bytes_and_comes_back_as_float32(how: Compression, share: float):
    small = encoded({"w": TABLE}, {}, how)
    assert sum(tensor.nbytes for tensor in small.tensors.values()) / TABLE.nbytes == pytest.approx(share, abs=1e-3)
    back = there_and_back({"w": TABLE, "b": SMALL}, how)
    assert set(back) == {"w", "b"}
    assert back["w"].dtype == np.float32
    assert not back["w"].flags.writeable
    assert np.array_equal(back["b"], SMALL)


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        (LEAST_NUMBERS // 8, 8),
        elements=st.floats(-(2.0**60), 2.0**60, width=32),
        fill=st.floats(-8.0, 8.0, width=32),
    )
)
def test_int8__every_number__is_off_by_half_a_step_at_most(table: np.ndarray):
    back = there_and_back({"w": table}, Compression.INT8)["w"]
    steps = np.abs(table).max(axis=1) / 127.0
    assert (np.abs(back - table) <= (steps * 0.5001 + np.finfo(np.float32).tiny)[:, None]).all()


def test_float16__numbers_that_it_cannot_hold__leave_the_table_alone():
    large = TABLE * np.float32(1e6)
    assert not encoded({"w": large}, {}, Compression.FLOAT16).is_smaller
    assert np.array_equal(there_and_back({"w": large}, Compression.FLOAT16)["w"], large)


def test_float16__every_number__keeps_eleven_bits():
    back = there_and_back({"w": TABLE}, Compression.FLOAT16)["w"]
    assert (np.abs(back - TABLE) <= np.abs(TABLE) * 2.0**-11 + 2.0**-25).all()


def test_encoded__places_and_small_arrays__are_never_touched():
    places = np.arange(LEAST_NUMBERS, dtype=np.int32)
    assert not encoded({"p": places, "b": SMALL}, {}, Compression.INT8).is_smaller


STEPS, SCALES = np.zeros((3, 4), dtype=np.int8), np.ones(3, dtype=np.float32)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"w": STEPS, "w.scales": SCALES}, ["w"]),
        ({"w": STEPS, "w.scales": SCALES}, {"v": "int8_rows"}),
        ({"w": STEPS, "w.scales": SCALES}, {"w": "zip"}),
        ({"w": STEPS, "w.scales": SCALES}, {"w": {}}),
        ({"w": STEPS}, {"w": "int8_rows"}),
        ({"w": STEPS, "w.scales": SCALES[:2]}, {"w": "int8_rows"}),
        ({"w": STEPS, "w.scales": SCALES.astype(np.float16)}, {"w": "int8_rows"}),
        ({"w": STEPS, "w.scales": -SCALES}, {"w": "int8_rows"}),
        ({"w": STEPS, "w.scales": SCALES * np.float32(3e38)}, {"w": "int8_rows"}),
        ({"w": STEPS[0], "w.scales": SCALES}, {"w": "int8_rows"}),
        ({"w": TABLE, "w.scales": SCALES}, {"w": "int8_rows"}),
        ({"w": TABLE}, {"w": "float16"}),
    ],
)
def test_decoded__what_does_not_fit_together__is_refused(tensors: dict[str, np.ndarray], said: object):
    with pytest.raises(ArtifactMalformed):
        decoded(artifact(tensors, said))


@dataclass(frozen=True)
class Ranks:
    """Items with scores, and what each of some users went for."""

    scores: np.ndarray
    targets: np.ndarray
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RankRecipe:
    """Scores a long list of items; judged by the score of what each user went for."""

    kind: PredictorKind = PredictorKind.POPULARITY
    parameters: Mapping[str, Parameter] = field(default_factory=lambda: {"compress": COMPRESS})

    def dataset(self, log: Ranks, *, parameters: Parameters, seed: int) -> Ranks:
        return log

    def fit(self, dataset: Ranks, *, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Fitted:
        ids = write_items(tuple(map(str, range(len(dataset.scores)))))
        return Fitted(self.kind, ("history",), {ITEMS: ids, "popularity": dataset.scores}, {})

    def evaluate(self, predictor: Predictor, dataset: Ranks, *, champion: Predictor | None) -> Evaluation:
        nobody = np.zeros(0, dtype=np.int64)
        candidate = predictor.score(nobody)[dataset.targets].astype(np.float64)
        metrics = {"score": float(candidate.mean())}
        return Evaluation(metrics, candidate, {POPULARITY: np.zeros(len(candidate))}, requests=((nobody, None),))


def train(compress: int) -> Any:
    rng = np.random.default_rng(4)
    ranks = Ranks(rng.uniform(0.5, 1.0, 40_000).astype(np.float32), rng.integers(0, 40_000, 300))
    return run_pipeline(
        RankRecipe(),
        ranks,
        parameters={"compress": compress},
        seed=1,
        gate=GateRule(metric="score"),
        tell=lambda _step, _share: None,
    )


def test_pipeline__asked_to_compress__judges_and_exports_what_is_smaller_and_tells_its_loss():
    plain, half = train(0), train(1)
    assert len(half.artifact) < 0.9 * len(plain.artifact)
    assert "compressed_loss" not in plain.metrics
    assert abs(half.metrics["compressed_loss"]) < 1e-3
    assert half.metrics["compressed_loss"] == pytest.approx(plain.metrics["score"] - half.metrics["score"])
    assert half.metrics["compressed_share"] < 0.9
    assert half.signature["tensors"]["popularity"]["dtype"] == "float16"
    sha = digest(half.artifact)
    served = predictor_of(open_artifact(half.artifact, sha=sha, sealed=seal(sha, KEY), key=KEY))
    assert served.score(np.zeros(0, dtype=np.int64)).dtype == np.float32


def test_pipeline__every_training__tells_size_and_latency_of_what_serves():
    limits = {limit.name: limit for limit in train(0).gate.limits}
    assert limits["size_mb"].found == pytest.approx(len(train(0).artifact) / 1e6)
    assert limits["latency_ms"].found > 0.0
    assert "Python" in limits["latency_ms"].about
