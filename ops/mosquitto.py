"""The broker, run with the very configuration its container runs with."""

import re
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops import broker_database, certificates, files
from ops.places import CHECKOUT, make_private
from ops.programs import Answer, Program
from ops.servers import Servers
from ops.trouble import Trouble

TEMPLATE = CHECKOUT / "mosquitto.conf"
IN_CONTAINER = {"/mosquitto/config": "config", "/mosquitto/data": "data"}
LISTENERS = {1883: "mqtt", 8883: "mqtt_tls", 9001: "mqtt_ws", 1884: "mqtt_service"}
# Without TLS nothing leaves this machine.
LOOPBACK_ONLY = {"mqtt", "mqtt_service"}
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x05\x00\x00"


def fill_in(template: str, *, folder: Path, ports: Mapping[str, int], bind: str) -> str:
    """The container's configuration with this machine's folders, ports and addresses, all of them."""
    missing = set(LISTENERS.values())
    lines = []
    for line in template.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "listener":
            port = int(rest.split()[0])
            if port not in LISTENERS:
                raise Trouble(f"mosquitto.conf has a listener {port} that ops/mosquitto.py does not know")
            name = LISTENERS[port]
            missing.discard(name)
            lines.append(f"listener {ports[name]} {'127.0.0.1' if name in LOOPBACK_ONLY else bind}")
        elif word in ("user", "bind_address", "bind_interface"):
            # It is started as the user it shall be, on the addresses above.
            continue
        elif line.lstrip().startswith("#"):
            lines.append(line)
        else:
            for theirs, ours in IN_CONTAINER.items():
                line = re.sub(rf"{theirs}(?=/|\s|$)", str(folder / ours), line)
            if "/mosquitto/" in line.replace(str(folder), ""):
                raise Trouble(
                    f"mosquitto.conf names a path that ops/mosquitto.py does not know: {line.strip()}"
                )
            lines.append(line)
    if missing:
        raise Trouble(f"mosquitto.conf has no listener for {', '.join(sorted(missing))}")
    return "\n".join(lines) + "\n"


def setting(configuration: str, name: str) -> Path:
    """A path that the configuration must name."""
    found = re.search(rf"^\s*{name}\s+(\S+)", configuration, re.MULTILINE)
    if found is None:
        raise Trouble(f"mosquitto.conf names no {name}")
    return Path(found[1])


@dataclass(frozen=True)
class Mosquitto:
    """One broker; all it reads and writes lies in its folder, but for the authority's certificate."""

    servers: Servers
    folder: Path
    ports: Mapping[str, int]
    authority_folder: Path
    bind: str = "127.0.0.1"

    @property
    def keeper_folder(self) -> Path:
        """Where the keeper writes who may connect, and what they may do."""
        return self.folder / "config"

    @property
    def pid_file(self) -> Path:
        return setting(self._configuration(), "pid_file")

    @property
    def authority_file(self) -> Path:
        return self.authority_folder / "ca.crt"

    def prepare(self) -> None:
        """Make folders and certificates unless they are there, and write the configuration anew."""
        for folder in (self.folder, self.folder / "config", self.folder / "data"):
            make_private(folder)
        configuration = self._configuration()
        files.write(self._configuration_file, configuration, for_owner=True)
        self._renew_certificate(configuration)

    def program(self) -> Program:
        return Program(
            name="mosquitto",
            command=(str(self.servers.mosquitto), "-c", str(self._configuration_file)),
            environment=self.servers.environment(),
            folder=self.folder,
            ask=self.ask,
            before_start=self._mend,
            upkeep=self._upkeep,
            as_owner=True,
        )

    def ask(self) -> Answer:
        """Whether it answers a connection; a refusal is an answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.ports["mqtt_service"]), timeout=5) as connection:
                connection.sendall(CONNECT)
                return Answer.READY if connection.recv(4)[:1] == b"\x20" else Answer.SILENT
        except OSError:
            return Answer.SILENT

    @property
    def _configuration_file(self) -> Path:
        return self.folder / "config/mosquitto.conf"

    def _configuration(self) -> str:
        template = TEMPLATE.read_text(encoding="utf-8")
        return fill_in(template, folder=self.folder, ports=self.ports, bind=self.bind)

    def _renew_certificate(self, configuration: str) -> bool:
        at = certificates.now()
        authority = certificates.ensure_authority(self.authority_folder, at=at)
        return certificates.ensure_certificate(
            authority,
            certificate_file=setting(configuration, "certfile"),
            key_file=setting(configuration, "keyfile"),
            names=certificates.names_of_this_host(),
            at=at,
        )

    def _upkeep(self) -> signal.Signals | None:
        """A renewed certificate is read on SIGHUP, without cutting anybody off."""
        return signal.SIGHUP if self._renew_certificate(self._configuration()) else None

    def _mend(self) -> None:
        self._renew_certificate(self._configuration())
        broker_database.mend(setting(self._configuration(), "persistence_location") / "mosquitto.db")
