"""Redis for what may be late: the queue of Celery."""

import socket
from dataclasses import dataclass
from pathlib import Path

from ops import files
from ops.places import make_private
from ops.programs import Answer, Program
from ops.servers import Servers

CONFIGURATION = """\
# Written at each start; your own settings go into local.conf beside this file and win.
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir {data}
daemonize no
logfile ""
# With snapshots alone kill -9 loses every waiting task; with this file at most the last second.
appendonly yes
appendfsync everysec
save ""
# A queue must refuse rather than forget.
maxmemory-policy noeviction
include {data}/local.conf
"""


@dataclass(frozen=True)
class Redis:
    """One server on loopback; all it writes lies in its folder."""

    servers: Servers
    data: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Make the folder unless it is there, and write the configuration anew."""
        make_private(self.data)
        if not (self.data / "local.conf").exists():
            files.write(self.data / "local.conf", "", for_owner=True)
        text = CONFIGURATION.format(port=self.port, password=self.password, data=self.data)
        files.write(self.data / "redis.conf", text, for_owner=True)

    def program(self) -> Program:
        return Program(
            name="redis",
            command=(str(self.servers.redis_server), str(self.data / "redis.conf")),
            environment=self.servers.environment(),
            folder=self.data,
            ask=self.ask,
            as_owner=True,
        )

    def ask(self) -> Answer:
        """Whether it takes commands; while it reads its file back it does not yet."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    if not (part := connection.recv(256)):
                        return Answer.SILENT
                    answer += part
        except OSError:
            return Answer.SILENT
        return Answer.READY if answer.endswith(b"+PONG\r\n") else Answer.BUSY
