import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from broker import process
from tests.servers import WAIT_S


def test_sigterm_asks_the_process_to_end() -> None:
    with process.running("test") as life:
        os.kill(os.getpid(), signal.SIGTERM)
        assert life.stopping.wait(WAIT_S)


def test_sigterm_wakes_an_event_loop() -> None:
    async def work(life: process.Life) -> None:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
        await asyncio.wait_for(life.stopped(), timeout=WAIT_S)

    with process.running("test") as life:
        asyncio.run(work(life))


def test_the_signal_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with process.running("test"):
        pass
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_beat_touches_its_file_and_not_more_than_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = tmp_path / "beat"
    monkeypatch.setenv("MAYDAY_BEAT", str(beat))
    now_s = 0.0
    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=lambda: now_s))
    life = process.Life("test")
    assert not beat.exists()
    for now_s, beats in ((0.0, True), (0.99, False), (1.01, True), (2.0, False)):
        beat.unlink(missing_ok=True)
        life.beat()
        assert beat.exists() == beats, now_s


SCRIPT = """
import logging, structlog
from broker import process
from tests.servers import WAIT_S
with process.running("worker") as life:
    life.beat()
    structlog.get_logger().info("hello", password="hunter2", url="postgresql://mayday:hunter2@127.0.0.1/mayday")
    logging.getLogger("library").warning("token %s", "of a library")
    raise ValueError("postgresql://mayday:hunter2@127.0.0.1/mayday")
"""


def test_a_process_logs_one_json_object_a_line_without_secrets_and_fails_loudly() -> None:
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [line["event"] for line in lines] == [
        "starting",
        "ready",
        "hello",
        "token of a library",
        "failed",
        "stopped",
    ]
    assert all(line["process"] == "worker" and line["level"] and line["timestamp"] for line in lines)
    assert "hunter2" not in ran.stdout
