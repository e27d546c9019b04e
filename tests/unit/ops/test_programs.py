"""How a program is started, and how its end is told."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ops.processes import identify
from ops.programs import Program, last_words, running, spawn
from ops.supervisor import LONGEST_WAIT_S, wait_before_start
from ops.trouble import Trouble
from tests.servers import WAIT_S, eventually


def program(*command: str, folder: Path, **more: object) -> Program:
    return Program(name="toy", command=command, environment={"PATH": "/usr/bin:/bin"}, folder=folder, **more)  # type: ignore[arg-type]


def test_waiting_doubles_up_to_a_bound() -> None:
    assert [wait_before_start(failures) for failures in range(1, 9)] == [
        0.2,
        0.4,
        0.8,
        1.6,
        3.2,
        6.4,
        LONGEST_WAIT_S,
        LONGEST_WAIT_S,
    ]
    assert wait_before_start(1000) == LONGEST_WAIT_S


def test_a_child_does_nothing_before_it_was_written_down(tmp_path: Path) -> None:
    seen = []

    def write_down(pid: int) -> None:
        # The kernel gives a process its new name a moment after its parent may go on.
        eventually(lambda: Path(f"/proc/{pid}/comm").read_text().strip() == "sh", "the shell that waits")
        seen.append((tmp_path / "trace").exists())

    child = spawn(
        program("touch", str(tmp_path / "trace"), folder=tmp_path), tmp_path / "log", record=write_down
    )
    assert child.wait(WAIT_S) == 0
    assert seen == [False]
    assert (tmp_path / "trace").exists()


def test_a_child_goes_with_a_starter_that_dies_before_it_was_written_down(tmp_path: Path) -> None:
    script = (
        "import os\nfrom pathlib import Path\nfrom ops.programs import Program, spawn\n"
        f"home = Path('{tmp_path}')\n"
        "toy = Program('toy', ('touch', f'{home}/trace'), {'PATH': '/usr/bin:/bin'}, home)\n"
        "die = lambda pid: (print(pid, flush=True), os._exit(1))\n"
        "spawn(toy, home / 'log', record=die)\n"
    )
    starter = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    child = int(starter.stdout)
    eventually(lambda: identify(child) is None, "the child to go")
    assert not (tmp_path / "trace").exists()


def test_a_different_environment_is_a_different_program(tmp_path: Path) -> None:
    one = program("true", folder=tmp_path)
    assert one.fingerprint == program("true", folder=tmp_path).fingerprint
    assert one.fingerprint != Program("toy", ("true",), {"PATH": "/bin"}, tmp_path).fingerprint


def test_an_end_before_ready_is_told_with_the_last_words(tmp_path: Path) -> None:
    toy = program("sh", "-c", "echo no such town; exit 3", folder=tmp_path, beat=tmp_path / "beat")
    with pytest.raises(Trouble, match="toy ended with 3: no such town"), running(toy, tmp_path / "log"):
        pass


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("", "it wrote nothing"),
        ("FATAL:  no room\nLOG:  shut down\n", "FATAL:  no room"),
        (
            json.dumps({"event": "failed", "exception": "Traceback\n  File\nKeyError: 'x'"}),
            "failed: KeyError: 'x'",
        ),
        ("x" * 1000, "x" * 300 + " ..."),
    ],
)
def test_last_words_are_one_short_line(tmp_path: Path, log: str, told: str) -> None:
    (tmp_path / "log").write_text(log)
    assert last_words(tmp_path / "log") == told
