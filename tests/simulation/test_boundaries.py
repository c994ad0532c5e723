"""The shop knows the product by HTTP alone; only what runs many seeds in process calls its pure packages."""

import ast
import subprocess
import sys
from pathlib import Path

SHOP = Path(__file__).parents[2] / "simulation"
PRODUCT = {"config", "decisions", "experiments", "foundation", "models_registry", "workers", "django"}


def imported(path: Path) -> set[str]:
    """Return the top packages that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module.split(".")[0]}
            if node.module.startswith("simulation.fast"):
                found.add("simulation.fast")
    return found


def test_shop__outside_of_fast__imports_nothing_of_the_product():
    modules = [path for path in SHOP.rglob("*.py") if "fast" not in path.relative_to(SHOP).parts]
    assert len(modules) > 10
    offending = {path.name: imported(path) & (PRODUCT | {"simulation.fast"}) for path in modules}
    assert {name: found for name, found in offending.items() if found} == {}


def test_fast__loads_neither_django_nor_tensorflow():
    slow = "{'django', 'tensorflow', 'keras', 'redis'}"
    code = f"import sys, simulation.fast.study; print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=SHOP.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
