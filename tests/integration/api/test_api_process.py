"""The process as the supervisor runs it."""

import contextlib
import json
import os
import random
import signal
import socket as plain_sockets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from websockets.sync.client import connect

from db.models import Code, UserRole
from db.session import Database
from db.states import Role
from ops.places import CHECKOUT
from tests.servers import WAIT_S, Broker, eventually

SECRETS = {"phone_number": "+998901234567", "full_name": "Full Name"} | dict.fromkeys(
    ("password", "password2"), "someStrongPassword123"
)


def free_port() -> int:
    """One that no outgoing connection is given before the process listens on it."""
    while True:
        port = random.randrange(20_000, 30_000)
        with contextlib.suppress(OSError):
            plain_sockets.create_server(("127.0.0.1", port)).close()
            return port


class Process:
    """`python -m api` with a log."""

    def __init__(self, folder: Path, database: Database, broker: Broker) -> None:
        self.port = free_port()
        self.beat = folder / "beat"
        self.log = folder / "log"
        told = {
            "MAYDAY_DATABASE_URL": database.url,
            "MAYDAY_SECRET": broker.settings.secret.get_secret_value(),
            "MAYDAY_MQTT_PORT": str(broker.ports["mqtt_service"]),
            "MAYDAY_API_PORT": str(self.port),
            "MAYDAY_BEAT": str(self.beat),
        }
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "api"], env=os.environ | told, cwd=CHECKOUT, stdout=log, stderr=log
            )

    def ask(self, path: str, said: dict[str, str] | None = None, token: str = "") -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        data = json.dumps(said).encode() if said else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def is_ready(self) -> bool:
        try:
            return bool(self.ask("/readyz")["status"] == "ready")
        except OSError:
            return False


@pytest.fixture
def process(tmp_path: Path, database: Database, broker: Broker) -> Iterator[Process]:
    process = Process(tmp_path, database, broker)
    eventually(lambda: process.is_ready() and process.beat.exists(), "the api to be ready")
    yield process
    process.child.kill()
    process.child.wait()


def test_it_beats_serves_and_ends_when_told_with_a_socket_open(process: Process, database: Database) -> None:
    access = process.ask("/api/v1/auth/register/", SECRETS)["access"]
    with database.transaction() as session:
        session.execute(update(UserRole).values(role=Role.ADMIN))
    first = process.beat.stat().st_mtime
    eventually(lambda: process.beat.stat().st_mtime > first, "another beat")
    with connect(f"ws://127.0.0.1:{process.port}/ws/sos_events/?token={access}"):
        eventually(lambda: "socket opened" in process.log.read_text(), "the socket to open")
        process.child.send_signal(signal.SIGTERM)
        assert process.child.wait(WAIT_S) in (0, -signal.SIGTERM)


def test_its_log_is_one_json_object_a_line_without_any_secret(process: Process) -> None:
    registered = process.ask("/api/v1/auth/register/", SECRETS)
    access = registered["access"]
    process.ask("/api/v1/incidents/?limit=7", token=access)
    device = process.ask("/api/v1/devices/", {"device_uid": "watch-1"}, access)
    with connect(f"ws://127.0.0.1:{process.port}/ws/sos_events/?token={access}"):
        eventually(lambda: "socket refused" in process.log.read_text(), "the socket to be refused")
    process.child.send_signal(signal.SIGTERM)
    process.child.wait(WAIT_S)
    written = process.log.read_text()
    lines = [json.loads(line) for line in written.splitlines()]
    assert {line["process"] for line in lines} == {"api"}
    assert "/api/v1/devices/" in [line.get("path") for line in lines]
    secrets = (access, registered["refresh"], SECRETS["password"], device["mqtt"]["password"], "limit=7")
    for secret in secrets:
        assert secret not in written


def test_it_believes_a_proxy_on_this_host_whose_address_a_request_is_from(
    process: Process, database: Database
) -> None:
    asked = json.dumps({"purpose": "login", "phone_number": "+998901234567"}).encode()
    headers = {"Content-Type": "application/json", "X-Forwarded-For": "198.51.100.7"}
    address = f"http://127.0.0.1:{process.port}/api/v1/auth/codes/"
    with urllib.request.urlopen(urllib.request.Request(address, asked, headers), timeout=WAIT_S):
        pass
    with database.transaction() as session:
        assert session.scalars(select(Code.address)).one() == "198.51.100.7"
