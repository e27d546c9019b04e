"""A day that nobody lived, from the command line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dispatch.matching.driver_scoring import Policy
from ops import replay
from ops.cli import app
from ops.trouble import Trouble

SMALL = ("--simulate", "--orders", "20", "--drivers", "8")


def say(*words: str) -> str:
    done = CliRunner().invoke(app, ["replay", *words], env={"COLUMNS": "200"})
    if done.exception is not None:
        raise done.exception
    return done.output


@pytest.mark.parametrize(("name", "begins"), [("day.svg", b"<?xml"), ("day.png", b"\x89PNG")])
def test_greedy_and_batch_stand_side_by_side_and_are_drawn(tmp_path: Path, name: str, begins: bytes) -> None:
    drawn = tmp_path / name
    said = say(*SMALL, "--output", str(drawn))
    for told in ("greedy", "batch of 3 s", "arrival p50", "arrival p90", "empty", "uncovered areas"):
        assert told in said
    assert "as set now" not in said
    assert drawn.read_bytes().startswith(begins)


def test_the_same_day_comes_out_the_same_and_another_seed_is_another_day(tmp_path: Path) -> None:
    output = ("--output", str(tmp_path / "day.png"))
    assert say(*SMALL, *output) == say(*SMALL, *output)
    assert say(*SMALL, *output) != say(*SMALL, *output, "--seed", "2")


def test_what_is_tried_stands_beside_what_is_set_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAYDAY_ORDERS_WINDOW_S", "0")
    tried = replay.policies(Policy(reach_m=5_000))
    assert {name: (each.window_s, each.reach_m) for name, each in tried.items()} == {
        "greedy": (0, 5_000),
        "batch of 3 s": (3, 5_000),
        "as set now": (0, 20_000),
    }
    assert list(replay.policies(Policy(window_s=0))) == ["greedy", "batch of 3 s"]
    assert "as set now" in say(*SMALL, "--reach", "5000", "--output", str(tmp_path / "day.png"))


@pytest.mark.parametrize(
    ("output", "trouble"),
    [("day.txt", "end its name with .svg or .png"), ("nowhere/day.svg", "there is no folder")],
)
def test_what_cannot_be_drawn_is_told_before_the_day_is_lived(
    tmp_path: Path, output: str, trouble: str
) -> None:
    with pytest.raises(Trouble) as told:
        say(*SMALL, "--output", str(tmp_path / output))
    assert trouble in str(told.value)


def test_a_setting_that_cannot_be_is_told() -> None:
    done = CliRunner().invoke(app, ["replay", "--simulate", "--reach", "0"])
    assert done.exit_code == 2
    assert "--reach" in done.output
