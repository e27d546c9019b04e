"""How ./mayday sos and ./mayday order speak with a running stack: as anybody outside would."""

import asyncio
import json
import socket
import urllib.error
import urllib.request
from typing import Any

import aiomqtt
import websockets

WAIT_S = 10.0


def mqtt(status: dict[str, Any], username: str, password: str) -> aiomqtt.Client:
    """A connection to its broker."""
    found = status["mqtt"]
    return aiomqtt.Client(
        found["host"],
        found["port"],
        username=username,
        password=password,
        timeout=WAIT_S,
        # Without it the kernel holds small packets back for up to 40 ms.
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )


class Refused(OSError):
    """The API said no; the message is its own word."""


class Counter:
    """The API, as one person sees it."""

    def __init__(self, status: dict[str, Any]) -> None:
        self._url: str = status["api"]
        self._token: str | None = None

    async def log_in(self, who: dict[str, str]) -> None:
        """Come in with phone and password."""
        login = {"phone_number": who["phone"], "password": who["password"]}
        self._token = (await self.send("POST", "/api/v1/auth/login/", login))["access"]

    async def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask for something; Refused where it is not given."""
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(  # noqa: S310 - our own API
            self._url + path, None if body is None else json.dumps(body).encode(), headers, method=method
        )
        try:
            response = await asyncio.to_thread(urllib.request.urlopen, request, timeout=WAIT_S)
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(json.load(error)["detail"]) from None
        with response:
            said = response.read()
        return json.loads(said) if said else None

    def socket(self, path: str) -> websockets.connect:
        """A WebSocket with this person's rights."""
        return websockets.connect(
            self._url.replace("http", "ws", 1) + path,
            additional_headers={"Authorization": f"Bearer {self._token}"},
        )
