"""Ways around the import contracts that the import linter cannot see."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import calls, is_migration, modules, tree

APPS = ("foundation", "experiments", "decisions", "models_registry")
LAYER = {"foundation": 0, "experiments": 1, "models_registry": 1, "decisions": 2, "workers": 3, "config": 3}
HOT = (
    "config/edge",
    "decisions/serving/",
    "decisions/ingest/",
    "experiments/assignment/",
    "models_registry/predictors/",
    "models_registry/artifacts",
)
SLOW = ("django", "rest_framework", "celery", "pandas", "scipy", "statsmodels", "tensorflow")
SQL_WORDS = ("SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "COPY ")
DISCOVERS_DOMAINS = Path("decisions/registry.py")
"""The one module that imports by a computed name: a decision domain is a folder, and nothing else names it."""
ON_THE_DECISION_PATH = ("decisions/serving/", "experiments/assignment/")


def _own_modules() -> list[Path]:
    return [path for path in modules() if not is_migration(path)]


def test_models__of_another_app__are_never_fetched_by_name() -> None:
    fetched = [
        f"{path}:{line}"
        for path in _own_modules()
        for line, name in calls(path)
        if name.endswith((".get_model", ".get_registered_model")) or name == "import_string"
    ]
    assert fetched == []


def test_signals__of_django__are_not_used() -> None:
    used = [
        f"{path}:{node.lineno}"
        for path in _own_modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and _is_about_signals(node.module or "")
    ]
    assert used == []


def _is_about_signals(module: str) -> bool:
    return module.startswith("django.") and module.endswith((".signals", ".dispatch"))


def test_models__save_and_delete__carry_no_logic() -> None:
    """The methods may refuse (a body that only raises); anything else belongs in an action."""
    overriding = [
        f"{path}:{node.lineno} {node.name}"
        for path in _own_modules()
        if path.parts[0] in APPS and ("models" in path.parts or path.name == "models.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and node.name in ("save", "delete") and not _only_raises(node)
    ]
    assert overriding == []


def _only_raises(function: ast.FunctionDef) -> bool:
    body = [node for node in function.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    return len(body) == 1 and isinstance(body[0], ast.Raise)


def test_imports__inside_functions__do_not_point_upwards_either() -> None:
    upward = []
    for path in _own_modules():
        here = LAYER.get(path.parts[0])
        for line, target in _imports(path):
            there = LAYER.get(target.split(".")[0])
            if here is not None and there is not None and there > here:
                upward.append(f"{path}:{line} imports {target}")
    assert upward == []


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def test_importlib__with_a_computed_name__is_not_used_by_the_apps() -> None:
    used = [
        f"{path}:{line}"
        for path in _own_modules()
        if path.parts[0] in APPS and "management" not in path.parts and path != DISCOVERS_DOMAINS
        for line, name in calls(path)
        if name in ("importlib.import_module", "import_module", "__import__")
    ]
    assert used == []


@pytest.mark.parametrize("folder", ON_THE_DECISION_PATH)
def test_decision_path__holds_no_sql(folder: str) -> None:
    """Reading bundles is the one exception: the store does it on its own thread, off the path of a request."""
    found = [
        f"{path}:{node.lineno}"
        for path in _own_modules()
        if str(path).startswith(folder) and path.stem not in ("store", "stores", "source", "sources", "publisher")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _looks_like_sql(node.value)
    ]
    assert found == []


def _looks_like_sql(text: str) -> bool:
    return any(text.lstrip().startswith(word) for word in SQL_WORDS)


def test_hot_path__never_reads_the_django_settings() -> None:
    reading = [
        f"{path}:{line} imports {target}"
        for path in _own_modules()
        if str(path).startswith(HOT)
        for line, target in _imports(path)
        if target.split(".")[0] in SLOW
    ]
    assert reading == []


RUNS_WHAT_IT_READS = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "h5py")

READS_WHAT_CAN_RUN = (
    "load_model",
    "load_weights",
    "model_from_json",
    "model_from_config",
    "deserialize_keras_object",
    "enable_unsafe_deserialization",
    "saved_model.load",
    "np.load",
    "numpy.load",
)
RUNS_TEXT = ("eval", "exec")


def test_models__are_never_read_by_what_can_run_them() -> None:
    """A trained model is arrays: nothing of the product reads a format that holds a program."""
    loading = [
        f"{path}:{line} imports {target}"
        for path in _own_modules()
        for line, target in _imports(path)
        if target.split(".")[0] in RUNS_WHAT_IT_READS
    ]
    called = [
        f"{path}:{line} calls {name}"
        for path in _own_modules()
        for line, name in calls(path)
        if name.endswith(READS_WHAT_CAN_RUN) or name in RUNS_TEXT
    ]
    assert (loading, called) == ([], [])
