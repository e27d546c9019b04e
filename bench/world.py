"""The servers and processes that are measured: the real ones, really configured, in a home of their own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from bench.load import Order, Outcome, uid
from ops import programs, servers
from ops.places import CHECKOUT
from ops.ports import USUAL, any_free, variable
from ops.programs import Program
from ops.stack import Stack

_ALWAYS = ("postgres", "prepare", "keeper", "mosquitto")
_LANE_IS_BUSY_S = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class World:
    """A stack of its own, of which only what is to be measured runs."""

    stack: Stack
    pids: Mapping[str, int]

    def database(self) -> psycopg.Connection:
        return psycopg.connect(self.stack.postgres.dsn(), autocommit=True)

    def add_devices(self, count: int) -> None:
        """The devices that will report."""
        with self.database() as connection:
            connection.execute(
                "INSERT INTO devices (uuid, uid, kind, model)"
                " SELECT gen_random_uuid(), uid, 'watch', 'bench' FROM unnest(%s::text[]) AS uid"
                " ON CONFLICT DO NOTHING",
                [[uid(number) for number in range(count)]],
            )

    def empty(self) -> None:
        """Forget what was stored."""
        with self.database() as connection:
            connection.execute("TRUNCATE positions, quarantine")

    def count(self) -> tuple[int, int, int]:
        """Rows of positions, how many different samples they are, and what was refused."""
        with self.database() as connection:
            row = connection.execute(
                "SELECT count(*), count(DISTINCT (device_id, seq)), (SELECT count(*) FROM quarantine)"
                " FROM positions"
            ).fetchone()
            assert row is not None
            return row

    def wait_for_flood(self, flood: subprocess.Popen[str]) -> None:
        """Until the lane stores what the load sends, or the load is over already."""
        before = self._lane_cpu_s()
        while self._lane_cpu_s() < before + _LANE_IS_BUSY_S and flood.poll() is None:
            time.sleep(0.05)

    def _lane_cpu_s(self) -> float:
        return _cpu_s(self.pids["telemetry"])

    def start(self, module: str, *arguments: str) -> subprocess.Popen[str]:
        """A process of the bench, beside those it measures."""
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=CHECKOUT,
            env=self.stack.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def people(self, helpers: int) -> Iterator[None]:
        """So many helpers who can be asked, and a dispatcher who looks after calls, within the block."""
        process = self.start("bench.people", str(helpers))
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise RuntimeError("nobody came")
            yield
        finally:
            process.terminate()
            process.communicate()

    def load(self, order: Order) -> Outcome:
        """Run the load to its end."""
        return finished_load(self.start("bench.load", json.dumps(asdict(order))))

    def cpu_s(self) -> dict[str, float]:
        """The processor time each program has used, with its children."""
        return {name: _cpu_s(pid) for name, pid in self.pids.items()}


def finished_load(process: subprocess.Popen[str]) -> Outcome:
    """Wait for a load and read what it says."""
    return Outcome(**json.loads(finished(process)))


def finished(process: subprocess.Popen[str]) -> str:
    """Wait for a process of the bench; returns what it wrote."""
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{process.args!r} failed")
    return said


@contextmanager
def world(names: Collection[str]) -> Iterator[World]:
    """Run the named programs of a fresh stack, and take everything away at the end."""
    home = Path(tempfile.mkdtemp(prefix="mayday-bench-"))
    home.chmod(0o711)
    try:
        # Ports of no other stack, not even of one that is just being started.
        asked = {variable(name): str(any_free()) for name in USUAL} | {"MAYDAY_BENCH": "true"}
        stack = Stack.decide(home, servers=servers.install(), demo=False, environ=asked)
        stack.prepare()
        with ExitStack() as running:
            pids = {}
            for program in _in_order(stack.programs(), {*_ALWAYS, *names}):
                log = home / f"logs/{program.name}.log"
                if program.once:
                    _run_once(program)
                    continue
                pids[program.name] = running.enter_context(programs.running(program, log)).pid
            yield World(stack, pids)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _in_order(all_of_them: list[Program], names: set[str]) -> Iterator[Program]:
    waiting = [program for program in all_of_them if program.name in names]
    done: set[str] = set()
    while waiting:
        program = next(each for each in waiting if not (set(each.after) & names) - done)
        waiting.remove(program)
        done.add(program.name)
        yield program


def _run_once(program: Program) -> None:
    subprocess.run(
        program.command,
        cwd=program.folder,
        env=dict(program.environment),
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _cpu_s(pid: int) -> float:
    """Of a process and all below it, those that have ended included."""
    spent, below = 0.0, [pid]
    while below:
        each = below.pop()
        try:
            fields = Path(f"/proc/{each}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            children = Path(f"/proc/{each}/task/{each}/children").read_text(encoding="ascii").split()
        except OSError:
            continue
        spent += sum(map(int, fields[11:15])) / _TICKS
        below += map(int, children)
    return spent
