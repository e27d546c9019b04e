"""An SMS gateway and a mail server that speak their real protocols, and fail when they are told to."""

import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Gateway:
    """What arrived at the SMS gateway, and how it is to answer next."""

    url: str = ""
    seen: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    """The next answers, status and body; after the last all is well."""
    hangs: threading.Event = field(default_factory=threading.Event)
    """While it is set, nobody gets an answer."""


@contextmanager
def sms_gateway() -> Iterator[Gateway]:
    """A gateway on a port of its own."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            gateway.seen.append((dict(self.headers), body))
            while gateway.hangs.wait(0) and not over.wait(0.05):
                pass
            status, said = gateway.answers.pop(0) if gateway.answers else (202, '{"accepted": true}')
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", gateway.url + "elsewhere")
            self.send_header("Content-Length", str(len(said.encode())))
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: Any) -> None:
            pass

    over = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        gateway.url = f"http://127.0.0.1:{server.server_address[1]}/"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield gateway
        over.set()
        server.shutdown()


@dataclass
class MailServer:
    """What arrived at the mail server, and what it answers instead of consent."""

    url: str = ""
    seen: list[EmailMessage] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    secured: int = 0
    refusals: dict[str, str] = field(default_factory=dict)
    """By command, `{"RCPT": "550 nobody here"}`; `"."` is the end of a message."""


@contextmanager
def mail_server(
    host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, scheme: str = "smtp"
) -> Iterator[MailServer]:
    """A mail server on a port of its own; with `tls` from the start, or as it is asked for."""
    mail = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def setup(self) -> None:
            if scheme == "smtps" and tls:
                self.request = tls.wrap_socket(self.request, server_side=True)
            super().setup()

        def handle(self) -> None:
            self._say("220 double ESMTP")
            while line := self.rfile.readline().decode().strip():
                command = line.split()[0].upper()
                if refusal := mail.refusals.get(command):
                    self._say(refusal)
                elif command == "EHLO":
                    self._say(f"250-double\r\n{'250-STARTTLS' if tls else '250-8BITMIME'}\r\n250 AUTH PLAIN")
                elif command == "STARTTLS" and tls:
                    self._say("220 go on")
                    self.request = tls.wrap_socket(self.request, server_side=True)
                    super().setup()
                    mail.secured += 1
                elif command == "AUTH":
                    mail.logins.append(line.split()[2])
                    self._say("235 welcome")
                elif command == "DATA":
                    self._say("354 go on")
                    self._take()
                elif command == "QUIT":
                    return self._say("221 bye")
                else:
                    self._say("250 ok")
            return None

        def _take(self) -> None:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b"."))
            if refusal := mail.refusals.get("."):
                return self._say(refusal)
            message = message_from_bytes(b"".join(lines), policy=policy.default)
            mail.seen.append(message)
            return self._say("250 kept")

        def _say(self, words: str) -> None:
            self.wfile.write(words.encode() + b"\r\n")

    with socketserver.ThreadingTCPServer((host, 0), Handler) as server:
        server.daemon_threads = True
        mail.url = f"{scheme}://post:s%20cret@{host}:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield mail
        server.shutdown()
