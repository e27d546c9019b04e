"""An SMS gateway, a mail server and Google's push service: their real protocols, failing when told to."""

import json
import secrets
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass
class Gateway:
    """What arrived at the SMS gateway, and how it is to answer next."""

    url: str = ""
    seen: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    """The next answers, status and body; after the last all is well."""
    hangs: threading.Event = field(default_factory=threading.Event)
    """While it is set, nobody gets an answer."""


@contextmanager
def sms_gateway(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Gateway]:
    """A gateway on a port of its own; whatever takes JSON over HTTP looks like this from our side."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            gateway.raw.append(raw)
            gateway.seen.append((dict(self.headers), json.loads(raw)))
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
    with ThreadingHTTPServer((host, 0), Handler) as server:
        server.daemon_threads = True
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        gateway.url = f"http{'s' if tls else ''}://{host}:{server.server_address[1]}/"
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


PROJECT = "mayday-test"
SENDER = "sender@mayday-test.iam.gserviceaccount.com"
_TOKENS = "https://oauth2.googleapis.com/token"  # for whom Google's library signs, wherever it sends it
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"


@dataclass
class Fcm:
    """What Google's push service took, and what it says of whom."""

    url: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Each message, as it was posted."""
    asked: int = 0
    logins: int = 0
    refuses_logins: bool = False
    answers: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    """By installation token, what it is answered instead of consent."""
    headers: dict[str, str] = field(default_factory=dict)
    hangs: threading.Event = field(default_factory=threading.Event)
    """While it is set, nobody gets an answer."""

    def refuse(self, token: str, status: int, code: str | None = None, text: str = "no") -> None:
        """Answer this installation with an error as Google words it."""
        error: dict[str, Any] = {"code": status, "message": text, "status": "FAILED"}
        if code:
            error["details"] = [{"@type": _FCM_ERROR, "errorCode": code}]
        self.answers[token] = (status, {"error": error})

    def account(self, folder: Path) -> Path:
        """The file of a service account that logs in here."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "service-account.json"
        key = _key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        said = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "1",
            "private_key": key,
            "client_email": SENDER,
            "token_uri": f"{self.url}/token",
        }
        file.write_text(json.dumps(said))
        return file


@lru_cache(maxsize=1)
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@contextmanager
def push_service() -> Iterator[Fcm]:
    """Google's token endpoint and its FCM HTTP v1, on a port of its own."""
    fcm, good = Fcm(), secrets.token_hex(8)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            while fcm.hangs.is_set() and not over.wait(0.05):
                pass
            if self.path == "/token":
                self._say(*self._log_in(parse_qs(body.decode())))
            elif self.path != f"/v1/projects/{PROJECT}/messages:send":
                self._say(404, {})
            elif self.headers["Authorization"] != f"Bearer {good}":
                self._say(401, {"error": {"code": 401, "message": "log in", "status": "UNAUTHENTICATED"}})
            else:
                self._say(*self._take(json.loads(body)["message"]))

        def _log_in(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
            assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
            claims = jwt.decode(
                form["assertion"][0], _key().public_key(), algorithms=["RS256"], audience=_TOKENS
            )
            assert claims["iss"] == SENDER
            fcm.logins += 1
            if fcm.refuses_logins:
                return 400, {"error": "invalid_grant", "error_description": "the account was deleted"}
            return 200, {"access_token": good, "expires_in": 3600, "token_type": "Bearer"}

        def _take(self, message: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            fcm.asked += 1
            if refusal := fcm.answers.get(message["token"]):
                return refusal
            fcm.seen.append(message)
            return 200, {"name": f"projects/{PROJECT}/messages/{len(fcm.seen)}"}

        def _say(self, status: int, said: dict[str, Any]) -> None:
            text = json.dumps(said).encode()
            self.send_response(status)
            for name, value in fcm.headers.items() if status >= 400 else ():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    over = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        fcm.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield fcm
        over.set()
        server.shutdown()
