"""The process that tells: claims requests, sends, records each attempt."""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, exists, or_, select

from broker import process
from broker.client import Connection
from broker.topics import Service
from db import notifications, work
from db.bell import Bell
from db.models import (
    Device,
    DeviceConfig,
    Incident,
    Notification,
    Order,
    OrderEvent,
    SystemAlert,
)
from db.seal import Seal
from db.session import TRANSIENT, Database
from db.states import IncidentState
from db.turns import take_turns
from notifier.channels import Channel, Later, Undeliverable, firebase, offer, topic
from notifier.channels.mail import MailServer
from notifier.channels.message import Messages, Nobody, Port
from notifier.channels.offer import Offers
from notifier.channels.postbox import Postbox
from notifier.channels.push import Push
from notifier.channels.sms import Gateway
from notifier.channels.webhook import Webhooks
from notifier.settings import NotifierSettings

log = structlog.get_logger()

_WAIT_S = 1.0
"""How long a request may lie unseen when its ring was not heard."""

_MOST_ALERTS = 20
_BETWEEN_ALERTS = 4
"""How much else is said before it is looked whether there is another alert."""

_MESSENGERS = (
    (("push",), 2, notifications.MESSAGES),
    (("sms",), 2, notifications.MESSAGES),
    (("mail", "nobody"), 1, notifications.MESSAGES),
    (("webhook",), 4, notifications.MESSAGES),
    (("order.push",), 2, notifications.ORDER_MESSAGES),
    (("order.sms", "order.mail"), 1, notifications.ORDER_MESSAGES),
    (("order.webhook",), 1, notifications.ORDER_MESSAGES),
)
"""Which channels share threads, how many, and the bell they wait for; calls for help wait for no order."""

_MESSAGE_LEASE = timedelta(seconds=60)
_LAST_WORD_S = 3.0

_FORGETTABLE = timedelta(minutes=1)
"""What ended longer ago than this was cleared in a broker that has written it down since."""


def main() -> None:
    """Run until told to stop."""
    # Nothing is decided here: what a power cut undoes of "it is told" is told again.
    database = Database(name="notifier", tries_again=True, waits_for_disk=False)
    settings = NotifierSettings()
    with (
        process.running("notifier") as life,
        Connection("notifier", Service.NOTIFIER, settings) as connection,
        Bell(database.url, notifications.TOPICS) as bell,
    ):
        topics, repeated = topic_channels(connection), 0
        alerts = {"alert": topics.pop("alert")}
        of_orders = {kind: topics.pop(kind) for kind in list(topics) if kind.startswith(work.ORDERS)}
        messengers = _messengers(database, settings, life)

        def take_turn() -> bool:
            nonlocal repeated
            if not all(each.is_alive() for each in messengers) and not life.stopping.is_set():
                raise RuntimeError("messages are not sent any more")
            at = datetime.now(UTC)
            if connection.connected and connection.generation != repeated:
                repeated = repeat(database, connection, at=at)
            return speak(database, alerts, [topics, of_orders], at=at)

        take_turns(take_turn, bell, wait_s=_WAIT_S, stopping=life.stopping, beat=life.beat)
        for each in messengers:
            each.join(_LAST_WORD_S)
    database.close()


def topic_channels(connection: Connection) -> dict[str, Channel]:
    """The channels that are topics, by their names."""
    return {
        **topic.channels(connection),
        "offer": Offers(connection, offer.of_call),
        work.of_orders("offer"): Offers(connection, offer.of_order),
    }


def message_channels(settings: NotifierSettings) -> dict[str, Channel]:
    """The channels that reach one person or one system, by their names."""
    seal = Seal(settings.derive("messages"))
    token, smtp = settings.sms_token, settings.smtp_url
    sms: Port = Postbox(settings.postbox_dir, "sms")
    mail: Port = Postbox(settings.postbox_dir, "mail")
    if settings.sms_url:
        sms = Gateway(str(settings.sms_url), token.get_secret_value() if token else None)
    if smtp:
        mail = MailServer(smtp.get_secret_value(), settings.mail_from)
    channels: dict[str, Channel] = {
        "push": Push(seal, firebase.connect(settings.fcm_credentials, url=settings.fcm_url)),
        "sms": Messages(seal, sms),
        "mail": Messages(seal, mail),
        "webhook": Webhooks(Seal(settings.derive("webhooks")), allowed=settings.webhook_networks),
        "nobody": Nobody(),
    }
    return channels | {work.of_orders(kind): channel for kind, channel in channels.items()}


def _messengers(
    database: Database, settings: NotifierSettings, life: process.Life
) -> Sequence[threading.Thread]:
    """A provider that hangs must keep neither an alert nor another provider waiting: each has its threads."""
    channels = message_channels(settings)
    threads = [
        threading.Thread(
            target=_send, args=(database, {kind: channels[kind] for kind in kinds}, bell, life), daemon=True
        )
        for kinds, number, bell in _MESSENGERS
        for _ in range(number)
    ]
    for each in threads:
        each.start()
    return threads


def _send(database: Database, channels: Mapping[str, Channel], channel: str, life: process.Life) -> None:
    def take_turn() -> bool:
        # Who is slow to answer has one thread at most, however much waits for them.
        return turn(database, channels, at=datetime.now(UTC), apart=True, lease=_MESSAGE_LEASE, limit=1)

    with Bell(database.url, channel) as bell:
        take_turns(take_turn, bell, wait_s=_WAIT_S, stopping=life.stopping)


def repeat(database: Database, connection: Connection, *, at: datetime) -> int:
    """Have all topics told again, since a broker that was killed forgets the last second of what it retained.

    Returns the generation of the connection for which this was asked.
    """
    generation = connection.generation
    with database.transaction() as session:
        told = session.execute(
            select(Incident.id, Incident.state, Incident.shown, Device.uuid)
            .join(Incident.device)
            .where(or_(Incident.state != IncidentState.RESOLVED, Incident.resolved_at > at - _FORGETTABLE))
        )
        for incident_id, state, shown, device in told:
            # What ended for its wearer alone was told long ago; to tell it again would show that it goes on.
            if shown is None or datetime.fromisoformat(shown["resolved_at"]) > at - _FORGETTABLE:
                notifications.request(session, "state", device, at=at)
            if state != IncidentState.COUNTDOWN:
                notifications.request(session, "alert", incident_id, at=at)
        ill = or_(SystemAlert.ended_at.is_(None), SystemAlert.ended_at > at - _FORGETTABLE)
        for alert in session.scalars(select(SystemAlert.uuid).where(ill)):
            notifications.request(session, "system", alert, at=at)
        for order in session.scalars(select(Order.uuid).where(_needs_or_needed_a_person(at))):
            notifications.request(session, work.of_orders("alert"), order, at=at)
        changed = DeviceConfig.changed_at > at - _FORGETTABLE
        for device in session.scalars(select(Device.uuid).join(DeviceConfig).where(changed)):
            notifications.request(session, "config", device, at=at)
    return generation


def _needs_or_needed_a_person(at: datetime) -> ColumnElement[bool]:
    """The orders whose alert stands, or was taken back so lately that the broker may have forgotten it."""
    stood = exists().where(OrderEvent.order_id == Order.id, OrderEvent.kind == "unassigned")
    taken_back = or_(Order.accepted_at > at - _FORGETTABLE, Order.ended_at > at - _FORGETTABLE)
    return or_(Order.unassigned_at.is_not(None), and_(taken_back, stood))


def turn(
    database: Database,
    channels: Mapping[str, Channel],
    *,
    at: datetime,
    apart: bool = False,
    lease: timedelta = work.LEASE,
    limit: int = 20,
) -> bool:
    """Send all that is due now on these channels; true when there was anything."""
    with database.transaction() as session:
        claimed = work.claim(
            session, Notification, at=at, kinds=channels.keys(), apart=apart, lease=lease, limit=limit
        )
    _tell_all(database, channels, claimed, at)
    return bool(claimed)


def speak(
    database: Database,
    alerts: Mapping[str, Channel],
    others: Sequence[Mapping[str, Channel]],
    *,
    at: datetime,
) -> bool:
    """Say what is due by topic: alerts first, and little else before the next; true when more may be due."""
    turns = [(alerts, _MOST_ALERTS), *((each, _BETWEEN_ALERTS) for each in others)]
    with database.transaction() as session:
        claimed = [
            work.claim(session, Notification, at=at, kinds=channels.keys(), limit=most)
            for channels, most in turns
        ]
    for (channels, _), requests in zip(turns, claimed, strict=True):
        _tell_all(database, channels, requests, at)
    # What came meanwhile has rung.
    return any(len(requests) == most for (_, most), requests in zip(turns, claimed, strict=True))


def _tell_all(
    database: Database, channels: Mapping[str, Channel], requests: Sequence[Notification], at: datetime
) -> None:
    for kind, group in groupby(sorted(requests, key=_kind), key=_kind):
        together, channel = list(group), channels[kind]
        # Several requests about one incident are one publish: each shows the incident as it stands.
        by_subject = [list(each) for _, each in groupby(sorted(together, key=_subject), key=_subject)]
        if channel.takes_several and len(by_subject) > 1 and _tell_together(database, channel, together):
            continue
        for each in by_subject:
            _tell(database, channel, each, at)


def _kind(request: Notification) -> str:
    return request.kind


def _subject(request: Notification) -> UUID:
    return request.subject


def _tell_together(database: Database, channel: Channel, requests: Sequence[Notification]) -> bool:
    """Whether all was told at once; else each is to be told alone, that one of them silences no other."""
    try:
        channel.deliver(database, requests)
    except TRANSIENT:
        raise
    except Exception as error:
        log.info("not told together", kind=requests[0].kind, number=len(requests), error=str(error))
        return False
    return True


def _tell(database: Database, channel: Channel, requests: Sequence[Notification], at: datetime) -> None:
    kind, subject = requests[0].kind, str(requests[0].subject)
    try:
        try:
            channel.deliver(database, requests)
        except (work.LeaseLost, *TRANSIENT):
            raise
        except Undeliverable as refusal:
            log.warning("given up", kind=kind, subject=subject)  # the answer is kept with the attempt
            _give_up(database, requests, str(refusal))
        except Later as error:
            log.warning("not told now", kind=kind, subject=subject, error=str(error))
            _try_again(database, requests, str(error), at, after=error.after)
        except Exception as error:
            log.exception("not told", kind=kind, subject=subject)
            _try_again(database, requests, f"{type(error).__name__}: {error}", at)
    except work.LeaseLost:
        log.info("somebody else told it", kind=kind, subject=subject)


def _give_up(database: Database, requests: Sequence[Notification], said: str) -> None:
    with database.transaction() as session:
        now = datetime.now(UTC)
        for request in requests:
            notifications.record_attempt(session, request, ok=False, answer=said, at=now)
            notifications.clear(session, request)
            work.give_up(session, request, error=said, at=now)
            notifications.hand_over(session, request.subject, request.kind, at=now)


def _try_again(
    database: Database,
    requests: Sequence[Notification],
    said: str,
    at: datetime,
    *,
    after: timedelta | None = None,
) -> None:
    with database.transaction() as session:
        for request in requests:
            notifications.record_attempt(session, request, ok=False, answer=said, at=datetime.now(UTC))
            work.retry_later(session, request, error=said, at=at, after=after)


if __name__ == "__main__":
    main()
