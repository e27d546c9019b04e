"""Short messages, handed to a gateway over HTTP."""

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from notifier.channels import Undeliverable
from notifier.channels.message import Message

_TIMEOUT_S = 10.0
_MOST_READ = 2000
_TRY_AGAIN = frozenset({408, 425, 429})


class Away(ConnectionError):
    """The gateway cannot take it now."""


class Gateway:
    """Posts `{"to": …, "text": …}`; any 2xx is its promise to deliver.

    A timeout, a 429 and a 5xx are tried again; what it refuses otherwise is given up.
    """

    def __init__(self, url: str, token: str | None, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._url = url
        self._token = token
        self._timeout_s = timeout_s
        self._opener = urllib.request.build_opener(_NoRedirect)

    def send(self, message: Message) -> str:
        """Hand one message over."""
        body = json.dumps({"to": message.to, "text": message.text}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(message.id)}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310 - settings
        try:
            with self._opener.open(request, timeout=self._timeout_s) as answer:
                return _words(answer.status, answer)
        except urllib.error.HTTPError as refusal:
            said = _words(refusal.code, refusal)
            if refusal.code >= 500 or refusal.code in _TRY_AGAIN:
                # Its words may repeat the message, and an error that is tried again is kept as it is.
                raise Away(f"HTTP {refusal.code}") from None
            raise Undeliverable(said) from None
        except (OSError, http.client.HTTPException) as error:
            raise Away(f"{type(error).__name__}: {error}") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A message goes where the settings say, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _words(status: int, answer: Any) -> str:
    try:
        body: bytes = answer.read(_MOST_READ)
    except (OSError, http.client.HTTPException):
        body = b""  # the status says enough
    text = body.decode(errors="replace").replace("\0", "").strip()
    return f"HTTP {status} {text}".rstrip()
