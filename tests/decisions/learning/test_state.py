"""States travel without loss, and whatever is damaged, forged or absurd is refused before it is used."""

import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save

from decisions.learning import LearnerKind
from decisions.learning.arrays import (
    LearnerStateDamaged,
    LearnerStateForged,
    LearnerStateMalformed,
    LearnerStateRefused,
    write_arrays,
)
from decisions.learning.state import BetaSnapshot, open_state, write_state
from decisions.learning.updating import fold, prior_state
from models_registry.artifacts import digest, seal
from tests.decisions.learning.states import KEY, batch, reopened, scheme


def state(kind=LearnerKind.BETA):
    features = None if kind is LearnerKind.BETA else [[1.0, 0.2, 0.3], [1.0, -0.2, 0.9]]
    days = None
    if kind is LearnerKind.DEMAND:
        features, days = [[0.9, 0.4, 2.0, 1.0], [1.1, 0.6, 0.0, 1.0]], [1.0, 0.5]
    rows = batch([1, 0], items=["mug", "灯"], features=features, days=days)
    return fold(prior_state(scheme(kind)), rows, scheme(kind))[0]


def opened(content, *, sealed=None, key=KEY, sha256=None):
    sha = sha256 or digest(content)
    return open_state(content, sha256=sha, seal=sealed or seal(sha, key), key=KEY)


@pytest.mark.parametrize("kind", list(LearnerKind))
def test_state__written_and_opened__is_the_same_to_the_bit(kind):
    snapshot = state(kind)
    assert write_state(reopened(snapshot)) == write_state(snapshot)
    assert reopened(snapshot).kind is kind


def test_open_state__arrays__cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        reopened(state()).counts[0, 0] = 5.0


def test_open_state__any_flipped_byte__is_damaged():
    content = write_state(state())
    sha = digest(content)
    for place in range(0, len(content), 13):
        flipped = bytearray(content)
        flipped[place] ^= 1
        with pytest.raises(LearnerStateDamaged):
            open_state(bytes(flipped), sha256=sha, seal=seal(sha, KEY), key=KEY)


def test_open_state__seal_of_another_project_or_no_text_of_one__is_forged():
    content = write_state(state())
    for sealed in (seal(digest(content), b"other key"), "", "é"):
        with pytest.raises(LearnerStateForged):
            open_state(content, sha256=digest(content), seal=sealed, key=KEY)


GOOD = {"schema": 1, "kind": "beta", "floor": 0.1, "best_unseen": 0.5, "unseen_rate": 0.5}
ARRAYS = {
    "items": np.frombuffer(b'["mug"]', dtype=np.uint8),
    "counts": np.array([[1.0, 2.0]]),
    "best": np.array([0.5]),
}
WEIGHTS = {"schema": 1, "kind": "linear", "floor": 0.1, "features": ["one"]}
WEIGHT_ARRAYS = {"mean": np.zeros(2), "precision": np.eye(2), "draws": np.zeros((256, 1))}


def test_open_state__what_the_cases_below_change__is_good_before():
    assert isinstance(opened(write_arrays(GOOD, ARRAYS)), BetaSnapshot)
    assert opened(write_arrays(WEIGHTS, WEIGHT_ARRAYS)).features == ("one",)


DEMAND = {"schema": 1, "kind": "demand", "floor": 0.1, "elasticity": -2.0, "pieces": 4.0, "steps": 3, "span": 0.3}
DEMAND_ARRAYS = {
    "items": ARRAYS["items"],
    "level": np.ones(1),
    "pieces": np.zeros((1, 3)),
    "days": np.zeros((1, 3)),
}


@pytest.mark.parametrize(
    ("said", "arrays"),
    [
        ({"steps": 1}, {}),
        ({"steps": 16}, {}),
        ({"steps": True}, {}),
        ({"steps": 3.0}, {}),
        ({"span": 0.0}, {}),
        ({"span": 1.0}, {}),
        ({"elasticity": 0.5}, {}),
        ({"elasticity": None}, {}),
        ({"pieces": 0.0}, {}),
        ({}, {"level": np.zeros(1)}),
        ({}, {"level": np.ones(2)}),
        ({}, {"pieces": np.full((1, 3), -1.0)}),
        ({}, {"pieces": np.full((1, 3), 1e13)}),
        ({}, {"days": np.full((1, 3), -1.0)}),
        ({}, {"days": np.zeros((1, 4))}),
    ],
)
def test_open_state__demand_that_makes_no_sense__is_malformed(said, arrays):
    assert opened(write_arrays(DEMAND, DEMAND_ARRAYS)).items == ("mug",)
    with pytest.raises(LearnerStateMalformed):
        opened(write_arrays(DEMAND | said, DEMAND_ARRAYS | arrays))


@pytest.mark.parametrize(
    ("said", "arrays"),
    [
        ({"schema": 2}, {}),
        ({"kind": "gamma"}, {}),
        ({"kind": None}, {}),
        ({"floor": 0.0}, {}),
        ({"floor": 1.5}, {}),
        ({"floor": "0.1"}, {}),
        ({"floor": True}, {}),
        ({"best_unseen": 0.2}, {}),
        ({"best_unseen": -0.5}, {}),
        ({"unseen_rate": 7}, {}),
        ({}, {"items": np.frombuffer(b'["mug","mug"]', dtype=np.uint8)}),
        ({}, {"items": np.frombuffer(b"[1]", dtype=np.uint8)}),
        ({}, {"items": np.frombuffer(b'{"mug":1}', dtype=np.uint8)}),
        ({}, {"items": np.frombuffer(b'["mug', dtype=np.uint8)}),
        ({}, {"items": np.frombuffer(b"[" * 100_000, dtype=np.uint8)}),
        ({}, {"items": np.array([1.0])}),
        ({}, {"counts": np.array([[1.0, 2.0], [1.0, 2.0]])}),
        ({}, {"counts": np.array([[0.0, 2.0]])}),
        ({}, {"counts": np.array([[1e13, 2.0]])}),
        ({}, {"best": np.array([0.4])}),
        ({}, {"best": np.array([[0.5]])}),
    ],
)
def test_open_state__rates_that_make_no_sense__are_malformed(said, arrays):
    with pytest.raises(LearnerStateMalformed):
        opened(write_arrays(GOOD | said, ARRAYS | arrays))


@pytest.mark.parametrize(
    ("said", "arrays"),
    [
        ({"features": []}, {}),
        ({"features": "one"}, {}),
        ({"features": ["one", "one"]}, {}),
        ({"features": [1]}, {}),
        ({"features": [f"f{number}" for number in range(65)]}, {}),
        ({}, {"mean": np.zeros(3)}),
        ({}, {"precision": np.zeros((2, 2))}),
        ({}, {"precision": np.array([[1.0, 0.5], [0.0, 1.0]])}),
        ({}, {"draws": np.zeros((255, 1))}),
        ({}, {"draws": np.full((256, 1), 1e13)}),
    ],
)
def test_open_state__weights_that_make_no_sense__are_malformed(said, arrays):
    with pytest.raises(LearnerStateMalformed):
        opened(write_arrays(WEIGHTS | said, WEIGHT_ARRAYS | arrays))


@pytest.mark.parametrize("missing", list(ARRAYS))
def test_open_state__array_that_is_missing__is_malformed(missing):
    left = {name: array for name, array in ARRAYS.items() if name != missing}
    with pytest.raises(LearnerStateMalformed):
        opened(write_arrays(GOOD, left))


@pytest.mark.parametrize("array", [np.array([[np.nan, 1.0]]), np.array([[np.inf, 1.0]]), np.zeros((1, 2), np.float32)])
def test_open_state__values_not_finite_or_of_another_type__are_malformed(array):
    with pytest.raises(LearnerStateMalformed):
        write_arrays(GOOD, ARRAYS | {"counts": array})
    content = save(ARRAYS | {"counts": array}, {"tiltyard.learner": json.dumps(GOOD)})
    with pytest.raises(LearnerStateMalformed):
        opened(bytes(content))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        b"\xff" * 8,
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 70_000) + b"[" * 70_000,
        bytes(save(ARRAYS)),
        bytes(save(ARRAYS, {"tiltyard": json.dumps(GOOD)})),
        bytes(save(ARRAYS, {"tiltyard.learner": "[1]"})),
        bytes(save(ARRAYS, {"tiltyard.learner": "[" * 50_000})),
        b"PK\x03\x04" + b"\0" * 100,
        b"\x80\x04\x95" + b"." * 100,
    ],
)
def test_open_state__bytes_that_are_no_state__are_refused(content):
    with pytest.raises(LearnerStateRefused):
        opened(content)


def test_open_state__offsets_outside_of_the_file__are_malformed():
    header = {"counts": {"dtype": "F64", "shape": [2**31, 2**31], "data_offsets": [0, 2**62]}}
    text = json.dumps({"__metadata__": {"tiltyard.learner": json.dumps(GOOD)}} | header).encode()
    with pytest.raises(LearnerStateMalformed):
        opened(struct.pack("<Q", len(text)) + text + b"\0" * 64)
