"""What is written down about a stack, and who it is about."""

import os
import signal
import subprocess
from pathlib import Path

from ops.processes import Identity, boot, identify
from ops.state import Condition, Phase, Record, State, load
from tests.servers import WAIT_S


def me() -> Identity:
    identity = identify(os.getpid())
    assert identity is not None
    return identity


def test_a_state_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    record = Record("api", identity=me(), condition=Condition.RUNNING, stop_signal=signal.SIGINT, restarts=3)
    state = State(phase=Phase.READY, supervisor=me(), records=[record])
    state.save(tmp_path / "state.json")
    assert load(tmp_path / "state.json") == state


def test_a_broken_state_is_that_of_a_stack_that_never_ran(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"phase": "ready", "supervis')
    assert load(tmp_path / "state.json") == State()
    assert not load(tmp_path / "none.json").is_running


def test_a_pid_used_again_is_another_process() -> None:
    assert me().is_alive()
    assert not Identity(me().pid, me().start + 1, boot()).is_alive()


def test_nothing_of_a_former_boot_is_alive() -> None:
    assert not Identity(me().pid, me().start, "another boot").is_alive()


def test_a_signal_never_reaches_another_that_got_the_pid() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        identity = identify(other.pid)
        assert identity is not None
        Identity(identity.pid, identity.start - 1, identity.boot).send(signal.SIGKILL)
        assert other.poll() is None
        identity.send(signal.SIGKILL)
        assert other.wait(WAIT_S) == -signal.SIGKILL


def test_a_process_that_waits_for_its_parent_is_not_alive() -> None:
    with subprocess.Popen(["true"]) as zombie:
        identity = identify(zombie.pid)
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        assert identity is None or not identity.is_alive()


def test_a_stack_runs_while_anything_of_it_lives() -> None:
    gone = Identity(me().pid, me().start + 1, boot())
    assert State(supervisor=gone, records=[Record("api", identity=me())]).is_running
    assert not State(supervisor=gone, records=[Record("api", identity=gone)]).is_running
