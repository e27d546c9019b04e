"""`./mayday` as a person uses it, over whole stacks."""

import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops.places import CHECKOUT
from ops.processes import left_behind
from tests.conftest import status_of as now
from tests.servers import WAIT_S, eventually

Status = dict[str, Any]


def mayday(*arguments: str, home: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CHECKOUT / "mayday", *arguments],
        env=os.environ | {"MAYDAY_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def pids(status: Status) -> dict[str, int]:
    return {process["name"]: process["pid"] for process in status["processes"]}


@pytest.fixture
def other_home(stack: Status) -> Iterator[Path]:
    """The home of a second stack, that is taken away whatever becomes of it."""
    with tempfile.TemporaryDirectory(prefix="mayday-other-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "home"
        mayday("reset", "--yes", home=Path(folder) / "home")


def test_everything_is_up_and_told(stack: Status) -> None:
    assert {process["state"] for process in stack["processes"]} == {"running"}
    assert {"postgres", "mosquitto", "redis", "sos-1", "sos-2", "api", "keeper"} <= set(pids(stack))
    psycopg.connect(stack["database"]).close()
    assert Path(stack["mqtt"]["ca"]).exists()
    for name in ("port", "tls_port", "ws_port"):
        socket.create_connection((stack["mqtt"]["host"], stack["mqtt"][name]), timeout=WAIT_S).close()


def test_a_second_up_says_that_it_runs_and_changes_nothing(stack: Status) -> None:
    again = mayday("up", "--detach", home=stack["home"])
    assert again.returncode == 0
    assert again.stdout.startswith("Mayday is already running.")
    assert stack["console"] in again.stdout
    assert pids(now(stack)) == pids(stack)


def test_the_supervisor_may_be_killed_and_up_takes_everything_over(stack: Status) -> None:
    before = pids(now(stack))
    os.kill(now(stack)["supervisor"], signal.SIGKILL)
    eventually(lambda: now(stack)["supervisor"] is None, "the supervisor to die")
    assert pids(now(stack)) == before
    assert "nobody looks after them" in mayday("status", home=stack["home"]).stdout
    assert mayday("up", "--detach", home=stack["home"]).returncode == 0
    assert pids(now(stack)) == before
    assert now(stack)["supervisor"] is not None


@pytest.mark.parametrize("name", ["postgres", "mosquitto", "redis", "sos-1", "keeper"])
def test_whatever_is_killed_comes_back(stack: Status, name: str) -> None:
    before = pids(now(stack))
    os.kill(before[name], signal.SIGKILL)

    def is_back() -> bool:
        after = next(process for process in now(stack)["processes"] if process["name"] == name)
        return after["state"] == "running" and after["pid"] not in (None, before[name])

    eventually(is_back, f"{name} to come back")


def test_two_stacks_live_side_by_side_and_ctrl_c_takes_only_its_own(stack: Status, other_home: Path) -> None:
    with (other_home.parent / "screen").open("w+") as screen:
        other = subprocess.Popen(
            [CHECKOUT / "mayday", "up", "--no-demo"],
            env=os.environ | {"MAYDAY_HOME": str(other_home)},
            stdout=screen,
            stderr=screen,
            process_group=0,
        )
        eventually(
            lambda: other.poll() is not None or "Ctrl-C" in (other_home.parent / "screen").read_text(),
            "the second stack",
        )
    status = json.loads(mayday("status", "--json", home=other_home).stdout)
    assert status["demo"] == {}
    assert status["api"] != stack["api"]
    assert status["mqtt"]["port"] != stack["mqtt"]["port"]
    assert not set(pids(status).values()) & set(pids(now(stack)).values())

    # As a terminal does: to the whole foreground group.
    os.killpg(other.pid, signal.SIGINT)
    assert other.wait(WAIT_S) == 0
    assert left_behind(other_home) == {}
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(status["database"], connect_timeout=2)
    assert mayday("status", home=other_home).returncode == 1
    assert {process["state"] for process in now(stack)["processes"]} == {"running"}


def test_a_taken_port_is_one_clear_line(stack: Status, other_home: Path) -> None:
    port = stack["mqtt"]["port"]
    result = mayday("up", "--detach", home=other_home, MAYDAY_API_PORT=str(port))
    assert result.returncode == 1
    assert result.stderr == (
        f"mayday: port {port} is taken by another program; free it, or set MAYDAY_API_PORT to another\n"
    )
    assert left_behind(other_home) == {}


def test_doctor_finds_a_running_stack_well(stack: Status) -> None:
    result = mayday("doctor", home=stack["home"])
    assert result.returncode == 0, result.stdout
    assert "nothing stands in the way" in result.stdout


def test_logs_of_a_process_are_shown_by_its_name(stack: Status) -> None:
    assert "ready" in mayday("logs", "supervisor", home=stack["home"]).stdout
    unknown = mayday("logs", "nothing", home=stack["home"])
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("mayday: there is no log of nothing; there are api, ")
