"""The broker access of dispatchers, which follows from their roles, their regions and their status."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.accounts.service import DESK
from api.devices.service import give_dispatcher_credentials
from broker.topics import uid_of
from db import audit
from db.audit import Actor
from db.models import MqttCredential, User
from db.states import CredentialKind, Role, UserStatus
from dispatch.errors import Conflict


def may_sit(user: User) -> bool:
    """Whether somebody may hear of calls for help; `granted` must be loaded."""
    return user.status == UserStatus.ACTIVE and any(each.role in DESK for each in user.granted)


def watched_regions(user: User) -> list[str] | None:
    """The regions whose alerts somebody may read, beside the default one; None means all."""
    is_admin = any(each.role == Role.ADMIN for each in user.granted)
    return None if is_admin else user.alert_regions


def give_access(session: Session, user: User, *, actor: Actor, at: datetime) -> tuple[MqttCredential, str]:
    """New broker credentials, whose secret is shown this once; whatever was given before stops working."""
    if not may_sit(user):
        raise Conflict("only an active dispatcher or admin reads alerts")
    name, secret = give_dispatcher_credentials(session, user.id, regions=watched_regions(user))
    credential = session.get_one(MqttCredential, uid_of(name))
    audit.record(
        session, actor, "mqtt.given", subject=("user", user.uuid), at=at, username=credential.username
    )
    return credential, secret


def take_access(session: Session, user: User, *, actor: Actor, at: datetime) -> None:
    """Revoke the broker credentials; who is connected is cut off. Said again, it changes nothing."""
    for credential in _credentials(session, user):
        credential.revoked_at = at
        audit.record(
            session,
            actor,
            "mqtt.revoked",
            subject=("user", user.uuid),
            at=at,
            username=credential.username,
        )


def settle(session: Session, user: User, *, actor: Actor, at: datetime) -> None:
    """Make the broker access follow, after a change of roles, regions or status."""
    if not may_sit(user):
        take_access(session, user, actor=actor, at=at)
    for credential in _credentials(session, user):
        credential.alert_regions = watched_regions(user)


def _credentials(session: Session, user: User) -> Sequence[MqttCredential]:
    session.flush()
    return session.scalars(
        select(MqttCredential)
        .where(
            MqttCredential.user_id == user.id,
            MqttCredential.kind == CredentialKind.DISPATCHER,
            MqttCredential.revoked_at.is_(None),
        )
        .order_by(MqttCredential.username)
        .with_for_update()
    ).all()
