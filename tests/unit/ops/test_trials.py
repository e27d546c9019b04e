"""The two runs of pytest behind `./mayday test`, and what is made of their ends."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ops.trials import NOTHING_RAN, Phase, phases, run
from tests.conftest import pytest_collection_modifyitems

INTERRUPTED = 2


def ends_with(code: int, said: str = "1 passed in 0.1s") -> Phase:
    script = f"import sys; print('.'); print('=== {said} ==='); sys.exit({code})"
    return Phase("a phase", [sys.executable, "-S", "-c", script])


@pytest.mark.parametrize(
    ("codes", "end"),
    [
        ((0, 0), 0),
        ((1, 0), 1),
        ((0, 1), 1),
        ((NOTHING_RAN, 0), 0),
        ((0, NOTHING_RAN), 0),
        ((NOTHING_RAN, 1), 1),
        ((NOTHING_RAN, NOTHING_RAN), NOTHING_RAN),
        ((NOTHING_RAN, 4), 4),
    ],
)
def test_it_is_well_when_something_ran_and_nothing_failed(codes: tuple[int, int], end: int) -> None:
    assert run([ends_with(code) for code in codes]) == end


def test_an_interrupted_run_is_the_last(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([ends_with(INTERRUPTED, "interrupted"), ends_with(0)]) == INTERRUPTED
    assert capfd.readouterr().out.endswith(
        "\na phase: interrupted; it did not come to its end (exit code 2)\n"
    )


def test_the_last_lines_say_how_each_phase_ended(capfd: pytest.CaptureFixture[str]) -> None:
    run([ends_with(1, "1 failed in 2s"), ends_with(0, "3 passed in 1s")])
    shown = capfd.readouterr().out
    assert shown.startswith(".\n=== 1 failed in 2s ===\n.\n")
    assert shown.endswith("\na phase: 1 failed in 2s\na phase: 3 passed in 1s\n")


def test_nothing_the_caller_says_gives_company_to_who_must_be_alone() -> None:
    together, alone = (list(phase.command) for phase in phases(["-n", "4", "tests/unit"]))
    assert together[-5:] == ["-n", "4", "tests/unit", "--alone", "never"]
    assert alone[-4:] == ["-n", "0", "--alone", "only"]


@pytest.mark.parametrize(("phase", "left"), [("only", ["measured"]), ("never", ["plain"]), (None, None)])
def test_each_phase_takes_its_own_tests(phase: str | None, left: list[str] | None) -> None:
    dropped: list[Any] = []
    hook = SimpleNamespace(pytest_deselected=lambda items: dropped.extend(items))
    config: Any = SimpleNamespace(getoption=lambda _: phase, hook=hook)
    every: list[Any] = [
        SimpleNamespace(name="plain", get_closest_marker=lambda _: None),
        SimpleNamespace(name="measured", get_closest_marker=lambda _: pytest.mark.alone),
    ]
    taken = list(every)
    pytest_collection_modifyitems(config, taken)
    assert [item.name for item in taken] == (left or ["plain", "measured"])
    assert len(taken) + len(dropped) == len(every)
