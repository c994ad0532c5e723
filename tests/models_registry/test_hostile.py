"""Hostile model files: each is refused with its stable code, within bounds of time and memory, and nothing runs."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.artifacts import ArtifactRefused, digest, open_artifact, seal
from models_registry.predictors.loading import predictor_of
from tests.models_registry.hostile import KEY, Specimen, good_file, specimens

PROJECT = Path(__file__).resolve().parents[2]
MEMORY = 3 * 1024**3
"""Bytes of address space: an array of the shapes that some specimens claim has more."""
SECONDS = 60
"""Of processor time for the whole corpus; the least bomb that worked would take longer."""


def refusal_of(specimen: Specimen) -> str:
    """Return the code with which a file is refused, "" where it is not."""
    try:
        predictor_of(open_artifact(specimen.content, sha=specimen.sha, sealed=specimen.sealed, key=KEY))
    except ArtifactRefused as error:
        return error.code
    return ""


def test_corpus__a_file_as_it_should_be__is_let_through(tmp_path: Path):
    sha = digest(good_file())
    assert refusal_of(Specimen("good", good_file(), sha, seal(sha, KEY), "")) == ""
    assert len(list(specimens(tmp_path / "canary"))) > 70


def test_corpus__every_file__is_refused_with_its_code_and_nothing_runs(tmp_path: Path):
    canary = tmp_path / "canary"
    found = {specimen.name: (refusal_of(specimen), specimen.code) for specimen in specimens(canary)}
    assert {name: codes for name, codes in found.items() if codes[0] != codes[1]} == {}
    assert not canary.exists()


def test_corpus__in_a_process_with_little_memory_and_time__is_refused_all_the_same(tmp_path: Path):
    canary = tmp_path / "canary"
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(canary)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    assert not canary.exists()


@settings(max_examples=400, deadline=None)
@given(places=st.lists(st.integers(0, 10_000), min_size=1, max_size=4), values=st.binary(min_size=4, max_size=4))
def test_artifact__any_bytes_changed_before_it_was_sealed__opens_or_is_refused(places: list[int], values: bytes):
    """Whatever the bytes are, there is a predictor or a refusal with a code; never another error."""
    content = bytearray(good_file())
    for place, value in zip(places, values, strict=False):
        content[place % len(content)] = value
    sha = digest(bytes(content))
    assert refusal_of(Specimen("mutant", bytes(content), sha, seal(sha, KEY), "")) in ("", "ARTIFACT_MALFORMED")


@pytest.mark.parametrize("name", ["pickle bomb", "npz with objects"])
def test_corpus__its_bombs__would_write_the_canary(name: str, tmp_path: Path):
    """A corpus whose bombs are duds would show nothing."""
    import io
    import pickle

    import numpy as np

    canary = tmp_path / "canary"
    content = next(specimen.content for specimen in specimens(canary) if specimen.name == name)
    if name == "pickle bomb":
        pickle.loads(content)
    else:
        np.load(io.BytesIO(content), allow_pickle=True)["w"]
    assert canary.read_text() == "pickle"


def main(canary: str) -> None:
    """Print what of the corpus is not refused as it should be, under limits of memory and time."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    wrong = [specimen.name for specimen in specimens(Path(canary)) if refusal_of(specimen) != specimen.code]
    sys.stdout.write(json.dumps(wrong))


if __name__ == "__main__":
    main(sys.argv[1])
