"""What a request says: under its own seal, or as the row of a message asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from db import work
from db.models import Contact, Message, Notification, User
from db.seal import Broken, Seal
from db.session import Database
from notifier import texts
from notifier.channels import Undeliverable

_REACHED_BY = {"sms": "phone", "mail": "email"}

_SECRET_VALUES = ("code", "link")
"""What a text is filled with that opens something: a provider may repeat it, we do not."""

_LONGEST_ANSWER = 300
_SHORTEST_TOKEN = 8


@dataclass(frozen=True, slots=True)
class Content:
    """What is said to whom; `number` and what follows is known where it is said to a person we know."""

    id: UUID
    to: str
    title: str
    text: str
    until_at: datetime
    hidden: Sequence[str]
    number: int | None = None
    user_id: int | None = None
    kind: str | None = None
    incident_id: UUID | None = None
    order_id: int | None = None

    def censored(self, answer: str) -> str:
        """What a provider answered, without what it repeats of our secrets."""
        for each in self.hidden:
            answer = answer.replace(each, "***")
        return answer[:_LONGEST_ANSWER]


def read(database: Database, request: Notification, seal: Seal, *, at: datetime) -> Content:
    """What is to be said now; Undeliverable says why nothing is."""
    content = _sealed(request, seal) if request.payload else _row(database, request, seal)
    if content.until_at <= at:
        raise Undeliverable("it came too late to be of use")
    return content


def _sealed(request: Notification, seal: Seal) -> Content:
    """A code: nothing of it stands in a row of its own, and after this it is forgotten."""
    said = _open(seal, request.payload.get("sealed", ""))
    title, text = _say(said)
    until_at = datetime.fromisoformat(said["until"])
    return Content(request.subject, said["to"], title, text, until_at, _secrets(text, said["values"]))


def _row(database: Database, request: Notification, seal: Seal) -> Content:
    """A message, to its person's phone number or address as they are now."""
    wanted = (
        select(Message, User, Contact)
        .outerjoin(User, User.id == Message.user_id)
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .where(Message.uuid == request.subject)
    )
    with database.transaction() as session:
        found = session.execute(wanted).one_or_none()
    if found is None:
        raise Undeliverable("there is no such message any more")
    message, person = found[0], found[1] or found[2]
    if message.confirmed_at is not None:
        raise Undeliverable(f"it had reached them by {message.confirmed_via} before")
    field = _REACHED_BY.get(work.plain(request.kind))
    to = getattr(person, field) if field else ""
    if to is None:
        raise Undeliverable(f"they have no {field} any more")
    said = _open(seal, message.sealed)
    title, text = _say(said)
    return Content(
        message.uuid,
        to,
        title,
        text,
        message.until_at,
        _secrets(text, said["values"]),
        number=message.id,
        user_id=message.user_id,
        kind=message.text,
        incident_id=message.incident_id,
        order_id=message.order_id,
    )


def _open(seal: Seal, sealed: str) -> dict[str, Any]:
    try:
        return seal.open(sealed)
    except Broken:
        raise Undeliverable("it cannot be read: sealed with another secret") from None


def _say(said: Mapping[str, Any]) -> tuple[str, str]:
    try:
        return texts.say(
            said["text"], said["language"], exercise=said.get("exercise", False), **said["values"]
        )
    except KeyError as missing:
        raise Undeliverable(f"nobody knows how to say {said['text']}: {missing} is missing") from None


def _secrets(text: str, values: Mapping[str, str]) -> list[str]:
    secrets = [values[name] for name in _SECRET_VALUES if values.get(name)]
    # The end of a link is its token; who escapes the rest of it still gives that away.
    tokens = [each.rpartition("/")[2] for each in secrets if "/" in each]
    return [text, *secrets, *(token for token in tokens if len(token) >= _SHORTEST_TOKEN)]
