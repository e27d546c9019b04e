"""Push: to every app of a person at once, high in priority; the app confirms what it shows."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from firebase_admin import messaging

from db import notifications, push_tokens
from db.models import Notification, PushToken
from db.seal import Seal
from db.session import Database
from notifier import contents
from notifier.channels import Later, Undeliverable
from notifier.channels.firebase import Fate, Firebase, Verdict
from notifier.contents import Content


class Push:
    """One push to each installation; taken by one of them, it is sent."""

    takes_several = False

    def __init__(self, seal: Seal, firebase: Firebase | None) -> None:
        self._seal = seal
        self._firebase = firebase

    def deliver(self, database: Database, requests: Sequence[Notification]) -> None:
        """Send each, outside any transaction, and drop the installations that are no more."""
        for request in requests:
            at = datetime.now(UTC)
            content = contents.read(database, request, self._seal, at=at)
            answer = content.censored(self._send(database, content, at))
            with database.transaction() as session:
                now = datetime.now(UTC)
                notifications.close(session, [request], answer=answer, at=now)

    def _send(self, database: Database, content: Content, at: datetime) -> str:
        if self._firebase is None:
            raise Undeliverable("no way of sending push is configured")
        if content.user_id is None:
            raise Undeliverable("they have no account, and so no app")
        with database.transaction() as session:
            apps = session.scalars(push_tokens.live(content.user_id)).all()
        if not apps:
            raise Undeliverable("they have no app any more")
        verdicts = self._firebase.send([_message(content, each.token, at) for each in apps])
        _drop_dead(database, zip(apps, verdicts, strict=True))
        return _sum_up(content, verdicts)


def _sum_up(content: Content, verdicts: Sequence[Verdict]) -> str:
    said = content.censored("; ".join(dict.fromkeys(each.said for each in verdicts)))
    accepted = [each for each in verdicts if each.fate is Fate.ACCEPTED]
    if accepted:
        return f"accepted for {len(accepted)} of {len(verdicts)} apps: {said}"
    later = [each for each in verdicts if each.fate is Fate.LATER]
    if later:
        waits = [each.after for each in later if each.after is not None]
        raise Later(said, after=max(waits) if waits else None)
    raise Undeliverable(said)


def _drop_dead(database: Database, told: Iterable[tuple[PushToken, Verdict]]) -> None:
    dead = [(app, verdict) for app, verdict in told if verdict.fate is Fate.DEAD]
    if not dead:
        return
    with database.transaction() as session:
        for app, verdict in dead:
            push_tokens.drop(
                session,
                app.token,
                why=verdict.said,
                registered_at=app.registered_at,
                at=datetime.now(UTC),
            )


def _message(content: Content, token: str, at: datetime) -> messaging.Message:
    # What follows of one call or order takes the place of what came before it, as long as nobody saw that.
    key = f"order-{content.order_id}" if content.order_id else str(content.incident_id or content.id)
    data = {
        "message": str(content.id),
        "reply": f"m{content.number}",
        "kind": content.kind or "",
        "until": str(int(content.until_at.timestamp())),
    }
    if content.incident_id:
        data["incident"] = str(content.incident_id)
    if content.order_id:
        data["order"] = str(content.order_id)
    return messaging.Message(
        token=token,
        notification=messaging.Notification(title=content.title, body=content.text),
        data=data,
        android=messaging.AndroidConfig(priority="high", collapse_key=key, ttl=content.until_at - at),
        apns=messaging.APNSConfig(
            headers={
                "apns-priority": "10",
                "apns-push-type": "alert",
                "apns-collapse-id": key,
                "apns-expiration": data["until"],
            },
            payload=messaging.APNSPayload(messaging.Aps(sound="default")),
        ),
    )
