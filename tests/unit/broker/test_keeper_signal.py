import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from broker.keeper import reload_broker


@pytest.mark.parametrize("said", ["", "rubbish", "-1", "0", "999999999"])
def test_a_pid_file_that_names_no_process_signals_nobody(tmp_path: Path, said: str) -> None:
    pid_file = tmp_path / "pid"
    pid_file.write_text(said)
    assert not reload_broker(pid_file)


def test_without_a_pid_file_the_broker_is_not_there_yet(tmp_path: Path) -> None:
    assert not reload_broker(tmp_path / "none")


def test_a_stranger_under_the_brokers_old_pid_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        (tmp_path / "pid").write_text(str(stranger.pid))
        assert not reload_broker(tmp_path / "pid")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_broker_that_does_not_listen_for_the_signal_yet_is_not_killed_by_it(tmp_path: Path) -> None:
    # A copy of a shell under the broker's name, which dies of SIGHUP as a broker in its first moments would.
    young = tmp_path / "mosquitto"
    young.symlink_to("/bin/sleep")
    broker = subprocess.Popen([str(young), "30"])
    try:
        (tmp_path / "pid").write_text(str(broker.pid))
        assert not reload_broker(tmp_path / "pid")
        assert broker.poll() is None
    finally:
        os.kill(broker.pid, signal.SIGKILL)
        broker.wait()
