"""What every recipe of recommendation promises, without training it."""

import subprocess
import sys

import pytest

from decisions.domains.recommendation.domain import DOMAIN
from decisions.domains.recommendation.training import RECIPES
from decisions.registry import recipe_of
from models_registry.compression import Compression
from models_registry.gates import GateRule
from models_registry.pipeline import checked_parameters, run_pipeline
from tests.architecture.source import PROJECT
from tests.decisions.domains.recommendation.training.shop import shop

each_recipe = pytest.mark.parametrize("name", RECIPES)


def test_recipes__are_those_that_the_domain_declares():
    assert set(RECIPES) == set(DOMAIN.recipes)
    assert all(recipe_of("recommendation", name) is recipe for name, recipe in RECIPES.items())


@each_recipe
def test_recipes__their_names__are_the_kinds_of_their_predictors(name: str):
    assert RECIPES[name].kind.value == name


@each_recipe
def test_recipes__their_defaults__are_within_their_bounds(name: str):
    found = checked_parameters({}, RECIPES[name].parameters)
    for parameter, value in found.items():
        told = RECIPES[name].parameters[parameter]
        assert told.least <= value <= told.most
        assert told.about


@pytest.mark.parametrize("name", ["ease", "factors", "item_item"])
def test_recipes__asked_to_compress__pass_their_gate_in_fewer_bytes_and_tell_what_it_cost(name: str):
    log = shop(units=800, items=300, each=15)
    plain, small = (
        run_pipeline(
            RECIPES[name], log, parameters={"compress": how.value}, seed=1, gate=GateRule(), tell=lambda *_: None
        )
        for how in (Compression.NONE, Compression.INT8)
    )
    assert plain.artifact is not None
    assert small.artifact is not None
    assert len(small.artifact) < 0.8 * len(plain.artifact)
    assert abs(small.metrics["compressed_loss"]) < 0.01


def test_recipes__importing_them__imports_neither_tensorflow_nor_django():
    code = (
        "import sys, decisions.domains.recommendation.training; "
        "print([name for name in ('tensorflow', 'keras', 'django', 'pandas') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_domain__importing_it_and_its_filters__imports_no_scipy():
    code = (
        "import sys, decisions.domains.recommendation.domain, decisions.domains.recommendation.constraints, "
        "decisions.domains.recommendation.candidates, decisions.domains.recommendation.features, "
        "models_registry.predictors.loading; "
        "print([name for name in ('scipy', 'tensorflow', 'keras', 'django') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_recipes__without_tensorflow__say_what_to_install():
    code = (
        "import sys\n"
        "sys.modules['keras'] = None\n"
        "from models_registry.exporters.learning_loop import TensorFlowMissing, prepare\n"
        "try:\n    prepare(seed=1, threads=1)\n"
        "except TensorFlowMissing as error:\n    print(error.code, error.hint)"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert found.stdout.startswith("TENSORFLOW_MISSING Install requirements-training.txt")
    assert (PROJECT / "requirements-training.txt").exists()
