"""A supervisor and real processes, some of which meet a violent end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.down import down
from ops.processes import Identity, left_behind
from ops.state import Condition, Phase, Record, State, load
from ops.supervisor import Supervisor
from ops.trouble import Trouble
from tests.integration.ops import toy
from tests.servers import WAIT_S, eventually

TWO: list[dict[str, Any]] = [{"name": "first"}, {"name": "second", "after": ["first"], "stage": 1}]


class Toys:
    """One home with toy programs in it, and the supervisor that looks after them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, table: list[dict[str, Any]], *, wait: bool = True) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.ops.toy", str(self.home), json.dumps(table)],
            stdout=(self.home / "said").open("ab"),
            start_new_session=True,
        )
        if wait:
            eventually(lambda: self.is_ready, "the toys to be ready")

    @property
    def state(self) -> State:
        return load(self.home / "run/state.json")

    @property
    def is_ready(self) -> bool:
        state = self.state
        return state.phase is Phase.READY and state.is_supervised

    def record(self, name: str) -> Record:
        return next(record for record in self.state.records if record.name == name)

    def identity(self, name: str) -> Identity:
        identity = self.record(name).identity
        assert identity is not None
        return identity

    def runs_anew(self, name: str, former: Identity) -> bool:
        record = self.record(name)
        return record.condition is Condition.RUNNING and record.identity not in (None, former)

    def said(self) -> str:
        return (self.home / "said").read_text()

    def kill_supervisor(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_S)


@pytest.fixture
def toys(tmp_path: Path) -> Iterator[Toys]:
    toys = Toys(tmp_path)
    yield toys
    if toys.process is not None and toys.process.poll() is None:
        toys.kill_supervisor()
    down(tmp_path)


def test_programs_start_in_order_and_stop_without_a_trace(toys: Toys) -> None:
    toys.start(TWO)
    assert toys.record("first").started_at < toys.record("second").started_at
    assert toys.stop() == 0
    assert left_behind(toys.home) == {}
    assert toys.state.phase is Phase.STOPPED
    said = toys.said()
    assert said.index("stopping second") < said.index("stopping first")


def test_a_killed_program_is_started_again_and_the_others_are_left_alone(toys: Toys) -> None:
    toys.start(TWO)
    first, second = toys.identity("first"), toys.identity("second")
    first.send(signal.SIGKILL)
    eventually(lambda: toys.runs_anew("first", first), "the first toy to come back")
    assert toys.record("first").restarts == 1
    assert toys.identity("second") == second


def test_a_program_that_hangs_is_killed_and_started_again(toys: Toys) -> None:
    toys.start([{"name": "first", "hung_after_s": 1.0}])
    first = toys.identity("first")
    first.send(signal.SIGSTOP)
    eventually(lambda: toys.runs_anew("first", first), "the toy that hangs to be replaced")
    assert "first gave no sign of life" in toys.said()


def test_children_outlive_a_killed_supervisor_and_the_next_one_adopts_them(toys: Toys) -> None:
    toys.start(TWO)
    first, second = toys.identity("first"), toys.identity("second")
    toys.kill_supervisor()
    assert first.is_alive()
    assert not toys.state.is_supervised
    toys.start(TWO)
    assert (toys.identity("first"), toys.identity("second")) == (first, second)
    second.send(signal.SIGKILL)
    eventually(lambda: toys.runs_anew("second", second), "an adopted toy to come back")
    assert toys.stop() == 0
    assert left_behind(toys.home) == {}


def test_a_program_that_died_while_nobody_looked_is_started_by_the_next_supervisor(toys: Toys) -> None:
    toys.start(TWO)
    first, second = toys.identity("first"), toys.identity("second")
    toys.kill_supervisor()
    second.send(signal.SIGKILL)
    toys.start(TWO)
    assert toys.identity("first") == first
    assert toys.runs_anew("second", second)


def test_a_program_that_would_be_started_differently_now_is_not_adopted(toys: Toys) -> None:
    toys.start(TWO)
    first, second = toys.identity("first"), toys.identity("second")
    toys.kill_supervisor()
    toys.start([TWO[0], {**TWO[1], "script": f"true; {toy.BEATING}"}])
    assert toys.identity("first") == first
    assert not second.is_alive()


def test_down_needs_no_supervisor(toys: Toys) -> None:
    toys.start(TWO)
    toys.kill_supervisor()
    assert down(toys.home)
    assert left_behind(toys.home) == {}
    assert not down(toys.home)


def test_down_stops_a_frozen_supervisor_too(toys: Toys) -> None:
    toys.start(TWO)
    assert toys.process is not None
    toys.process.send_signal(signal.SIGSTOP)
    assert down(toys.home)
    assert toys.process.wait(WAIT_S) is not None
    assert left_behind(toys.home) == {}


def test_a_program_deaf_to_sigterm_is_killed_after_its_time(toys: Toys) -> None:
    toys.start([{"name": "deaf", "script": f"trap '' TERM; {toy.BEATING}", "stop_within_s": 0.5}])
    assert toys.stop() == 0
    assert "deaf did not stop in 0 s: killing it" in toys.said()
    assert left_behind(toys.home) == {}


def test_what_a_killed_program_leaves_behind_does_not_live_beside_its_successor(toys: Toys) -> None:
    toys.start([{"name": "parent", "script": f"sleep 600 & {toy.BEATING}"}])
    parent = toys.identity("parent")
    child = next(identity for identity in left_behind(toys.home) if identity != parent)
    parent.send(signal.SIGKILL)
    eventually(lambda: toys.runs_anew("parent", parent), "the parent to come back")
    assert not child.is_alive()


def test_a_start_that_fails_again_and_again_is_given_up_with_its_reason(toys: Toys) -> None:
    toys.start([{"name": "good"}, {"name": "bad", "script": "echo Error: no such town; exit 1"}], wait=False)
    assert toys.process is not None
    assert toys.process.wait(WAIT_S) == 1
    assert toys.state.phase is Phase.FAILED
    assert toys.state.trouble == "bad does not start: Error: no such town (./mayday logs bad)"
    assert left_behind(toys.home) == {}


def test_what_is_done_once_is_done_before_what_comes_after_it(toys: Toys) -> None:
    once = {"name": "once", "script": "sleep 0.3; touch {home}/made", "once": True}
    after = {"name": "after", "script": "test -e {home}/made && " + toy.BEATING, "after": ["once"]}
    toys.start([after, once])
    assert toys.record("once").condition is Condition.DONE
    assert toys.record("after").restarts == 0


def test_what_is_done_once_and_fails_is_not_tried_again(toys: Toys) -> None:
    toys.start([{"name": "once", "script": "echo Error: no schema; exit 1", "once": True}], wait=False)
    assert toys.process is not None
    assert toys.process.wait(WAIT_S) == 1
    assert toys.state.trouble == "once does not start: Error: no schema (./mayday logs once)"


def test_a_stack_that_was_taken_over_lives_on_when_one_thing_in_it_fails(toys: Toys) -> None:
    once = {"name": "once", "script": "test ! -e {home}/broken", "once": True}
    toys.start([TWO[0], once])
    first = toys.identity("first")
    toys.kill_supervisor()
    (toys.home / "broken").touch()
    toys.start([TWO[0], once], wait=False)
    eventually(lambda: toys.state.is_supervised and toys.state.trouble is not None, "the trouble to be told")
    assert first.is_alive()
    (toys.home / "broken").unlink()
    eventually(lambda: toys.is_ready, "it to be mended")
    assert toys.identity("first") == first
    assert toys.state.trouble is None


def test_only_one_supervisor_looks_after_a_home(toys: Toys) -> None:
    toys.start(TWO)
    with pytest.raises(Trouble, match="another supervisor"):
        Supervisor([], home=toys.home).run()
    assert toys.is_ready


def test_the_supervisor_rests_while_nothing_happens(toys: Toys) -> None:
    toys.start([{"name": "first", "script": "while :; do touch {beat}; sleep 1; done"}])
    assert toys.process is not None

    def cpu_s() -> float:
        fields = Path(f"/proc/{toys.process.pid}/stat").read_text().rpartition(")")[2].split()  # type: ignore[union-attr]
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = cpu_s()
    time.sleep(3)
    assert cpu_s() - before < 0.1
