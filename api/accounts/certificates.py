"""Google's certificates, kept for as long as Google says; its own library asks for them at every login."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from google.auth.exceptions import TransportError
from google.auth.transport import Request, Response
from google.auth.transport import requests as over_http

_KEPT_S = 3600.0
_LONGEST_KEPT_S = 86400.0
_TIMEOUT_S = 5
_AWAY_S = 5.0
"""For how long nobody asks again after Google could not be reached."""

_MAX_AGE = re.compile(r"\bmax-age=(\d{1,9})\b")


class KeptCertificates(Request):
    """A transport for google-auth that asks the real one only when what it keeps is too old."""

    def __init__(self, fetch: Request | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Response]] = {}
        self._away_until = 0.0

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: int | None = None,
        **more: Any,
    ) -> Response:
        """The answer kept for this address, or a new one; TransportError when there is none to be had."""
        if kept := self._find(url):
            return kept
        # One asks; the others would hold threads that an SOS needs.
        if not self._lock.acquire(blocking=False):
            if kept := self._find(url, late_s=_TIMEOUT_S):
                return kept
            raise _away("somebody is asking already")
        try:
            if kept := self._find(url):
                return kept
            if self._clock() < self._away_until:
                raise _away("not to be reached a moment ago")
            return self._renew(url)
        finally:
            self._lock.release()

    def _find(self, url: str, *, late_s: float = 0) -> Response | None:
        good_until, kept = self._kept.get(url, (0.0, None))
        return kept if self._clock() < good_until + late_s else None

    def _renew(self, url: str) -> Response:
        if self._fetch is None:
            self._fetch = over_http.Request()
        self._away_until = self._clock() + _AWAY_S
        answer: Response = self._fetch(url, method="GET", timeout=_TIMEOUT_S)
        if answer.status != HTTPStatus.OK:
            raise _away(f"answered {answer.status}")
        # Whatever stands between us and Google and answers in its place is not worth keeping.
        if not _is_object(answer.data):
            raise _away("answered something else")
        self._away_until = 0.0
        self._kept[url] = (self._clock() + _life_s(answer.headers), answer)
        return answer


def _is_object(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except ValueError:
        return False


def _away(why: str) -> TransportError:
    return TransportError(why)  # type: ignore[no-untyped-call]


def _life_s(headers: Mapping[str, str]) -> float:
    said = next((text for name, text in headers.items() if name.lower() == "cache-control"), "")
    found = _MAX_AGE.search(said)
    return min(float(found[1]), _LONGEST_KEPT_S) if found else _KEPT_S
