"""Firebase Cloud Messaging, by Google's own library: what is handed over, and what becomes of each."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import firebase_admin
import structlog
from firebase_admin import credentials, exceptions, messaging
from google.auth.exceptions import RefreshError
from pydantic import AnyHttpUrl
from requests.adapters import HTTPAdapter

log = structlog.get_logger()

_TIMEOUT_S = 5

_DEAD = (messaging.UnregisteredError, messaging.SenderIdMismatchError)
_LATER = (429, 500, 502, 503, 504)


class Fate(Enum):
    """What became of one push."""

    ACCEPTED = "accepted"
    LATER = "later"
    REFUSED = "refused"
    DEAD = "dead"  # the installation is not there any more, and will not come back under this token


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one push, with what was said about it."""

    fate: Fate
    said: str
    after: timedelta | None = None


class Firebase:
    """One project at Google. It is asked once each time: our own rows try again."""

    def __init__(self, app: firebase_admin.App, *, url: str | None = None) -> None:
        self._app = app
        service = messaging._get_messaging_service(app)
        for prefix in list(service._client.session.adapters):
            service._client.session.mount(prefix, HTTPAdapter(max_retries=0))
        if url:
            service._fcm_url = f"{url.rstrip('/')}/v1/projects/{app.project_id}/messages:send"

    def send(self, messages: Sequence[messaging.Message]) -> list[Verdict]:
        """Hand over each of these; accepted is not delivered."""
        try:
            answers = messaging.send_each(list(messages), app=self._app).responses
        except exceptions.FirebaseError as error:
            return [_judge(error)] * len(messages)
        return [
            Verdict(Fate.ACCEPTED, str(each.message_id)) if each.success else _judge(each.exception)
            for each in answers
        ]


def connect(credentials_file: Path | None, *, url: AnyHttpUrl | None = None) -> Firebase | None:
    """The project of a service account; None where there is none, or its file cannot be used."""
    if credentials_file is None or _is_empty(credentials_file):
        return None
    try:
        account = credentials.Certificate(str(credentials_file))
        options = {"httpTimeout": _TIMEOUT_S}
        app = firebase_admin.initialize_app(account, options, name=f"mayday-{uuid.uuid4()}")
        return Firebase(app, url=str(url) if url else None)
    except (OSError, ValueError) as error:
        # Nobody is pushed to then, and everybody told by SMS: no reason to send nothing at all.
        log.critical("push cannot be used", file=str(credentials_file), error=str(error))
        return None


def _is_empty(file: Path) -> bool:
    try:
        return not file.read_bytes()
    except OSError:
        return False  # it is named, so whoever named it is to hear of it


def _judge(error: Any) -> Verdict:
    said = f"{getattr(error, 'code', type(error).__name__)}: {error}"
    answer = getattr(error, "http_response", None)
    if isinstance(error, _DEAD):
        return Verdict(Fate.DEAD, said)
    if answer is not None:
        fate = Fate.LATER if answer.status_code in _LATER else Fate.REFUSED
        return Verdict(fate, said, _asked_to_wait(answer))
    # Nothing was answered; an account that Google does not know will not be known in a minute.
    return Verdict(Fate.REFUSED if isinstance(error.cause, RefreshError) else Fate.LATER, said)


def _asked_to_wait(response: Any) -> timedelta | None:
    seconds = response.headers.get("Retry-After", "")
    return timedelta(seconds=min(int(seconds), 3600)) if seconds.isdecimal() else None
