import subprocess
import sys
import time

import pytest

from experiments.assignment.patterns import compile_pattern

EVIL = [
    r"(a+)+$",
    r"([a-zA-Z]+)*$",
    r"(a|aa)+$",
    r"(a|a?)+$",
    r"(.*a){12}$",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(x+x+)+y",
    r"(?:a*)*b",
    r"(\w+\s?)*$",
    r"a*a*a*a*a*a*a*a*a*a*b",
]


@pytest.mark.parametrize("pattern", EVIL)
def test_compile_pattern__patterns_that_ruin_backtracking__answer_within_five_milliseconds(pattern: str) -> None:
    matches = compile_pattern(pattern)
    worst = "a" * 1023 + "!"
    matches(worst)
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        matches(worst)
        best = min(best, time.perf_counter() - started)

    assert best < 0.005


def test_compile_pattern__found_anywhere__matches() -> None:
    assert compile_pattern("b+")("abbc")
    assert not compile_pattern("^b+$")("abbc")
    assert compile_pattern(r"^\p{Han}+$")("上海")


@pytest.mark.parametrize("value", [None, 1, True, ["b"], "\ud800b", "b" * 1025, "é" * 513 + "b"])
def test_compile_pattern__other_types_and_long_inputs__do_not_match(value: object) -> None:
    assert compile_pattern("b|é")(value) is False


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a{1001}", "x" * 257, "", 5, None])
def test_compile_pattern__not_in_the_syntax_or_too_long__is_refused(pattern: object) -> None:
    with pytest.raises(ValueError, match="pattern"):
        compile_pattern(pattern)


def test_compile_pattern__until_called__leaves_the_library_unloaded() -> None:
    script = "import sys, experiments.assignment.engine, experiments.assignment.compiler; print('re2' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
