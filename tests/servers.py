"""Real servers for one test worker: on free ports, in a folder of their own, gone with it."""

import secrets
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import SecretStr

from broker.accounts import Account, write_files
from broker.passwords import hash_secret, new_secret
from broker.settings import BrokerSettings
from broker.topics import Service
from ops import programs, servers
from ops.mosquitto import LISTENERS, Mosquitto
from ops.ports import any_free
from ops.programs import Answer

LANES = ("telemetry", "sos-1", "sos-2")
"""The processes whose sessions outlive them."""

WAIT_S = 60.0
"""For what comes when it comes, on a machine however busy; what is promised in time is measured alone."""


def eventually(ask: Callable[[], object], what: str, *, within_s: float = WAIT_S) -> None:
    """Return as soon as `ask` says yes; fail with `what` was waited for."""
    deadline = time.monotonic() + within_s
    while not ask():
        assert time.monotonic() < deadline, f"waited {within_s:.0f} s for {what}"
        time.sleep(0.02)


def usual(measure: Callable[[], float]) -> float:
    """The median of three tries: what a thing takes, though the machine was elsewhere during one of them."""
    return statistics.median(measure() for _ in range(3))


def queued_s(*pids: int) -> float:
    """For how long these processes and their children were ready to run, in all, while others ran.

    Taken off what a measurement took, it leaves what the work itself took, on a machine however busy.
    """
    waited_s = 0.0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*"):
            # A thread may end, and a kernel may keep no such account.
            with suppress(OSError):
                waited_s += int((task / "schedstat").read_text().split()[1]) / 1e9
                waited_s += queued_s(*map(int, (task / "children").read_text().split()))
    return waited_s


class Broker:
    """A real Mosquitto with the real configuration, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ports = {name: any_free() for name in LISTENERS.values()}
        self.server = Mosquitto(
            servers.install(), folder / "mosquitto", self.ports, authority_folder=folder / "tls"
        )
        self.settings = BrokerSettings(
            secret=SecretStr(secrets.token_hex(16)), mqtt_port=self.ports["mqtt_service"]
        )
        self.ca = self.server.authority_file
        self._accounts: dict[str, Account] = {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The plain listener of devices and dispatchers."""
        return self.ports["mqtt"]

    def log(self) -> str:
        """All that the broker said."""
        return (self._folder / "mosquitto.log").read_text()

    @property
    def keeper_folder(self) -> Path:
        return self.server.keeper_folder

    @property
    def runs(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        self.server.prepare()
        self._write()
        self._process = programs.spawn(self.server.program(), self._folder / "mosquitto.log")
        eventually(lambda: self.server.ask() is Answer.READY, "the broker to answer")
        return self

    def stop(self) -> None:
        """As an operator does; what waits is kept."""
        if self._process is not None:
            programs.end(self._process, self.server.program())
            self._process = None

    def kill(self) -> None:
        """As bad luck does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def add_device(self, uid: str, password: str | None = None) -> str:
        """Let a device in at once, without a keeper; returns its password."""
        return self._add(uid, dispatcher=False, password=password)

    def add_dispatcher(self, username: str, regions: list[str] | None = None) -> str:
        return self._add(username, dispatcher=True, regions=regions)

    def forget_lanes(self) -> None:
        """End the sessions that lanes left behind, so that what earlier tests sent waits for nobody."""
        for lane in LANES:
            client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self.settings.client_id(lane))
            client.username_pw_set(Service.INGEST, self.settings.password(Service.INGEST))
            begun_anew = threading.Event()
            client.on_connect = lambda *said, done=begun_anew: said[3].is_failure or done.set()
            client.connect("127.0.0.1", self.settings.mqtt_port)
            client.loop_start()
            assert begun_anew.wait(WAIT_S)
            client.disconnect()
            client.loop_stop()

    def _add(
        self,
        username: str,
        *,
        dispatcher: bool,
        regions: list[str] | None = None,
        password: str | None = None,
    ) -> str:
        password = password or new_secret()
        self._accounts[username] = Account(username, hash_secret(password), dispatcher, regions)
        self._write()
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)
        return password

    def _write(self) -> None:
        write_files(self.keeper_folder, self._accounts.values(), self.settings, bench=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
