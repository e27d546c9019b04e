"""Devices and broker users; the keeper carries every change of them to the broker."""

import re
import secrets
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.refusals import Taken, WrongField
from broker.passwords import hash_secret, new_client_id, new_secret
from broker.topics import is_uid, wire_name
from db.models import Device, MqttCredential
from db.states import CredentialKind, DeviceKind

UID_EXPECTED = "must be 1 to 64 characters: letters, digits and . _ : -"
NAMES_OF_ROUTES = frozenset({"bulk", "claim", "stragglers"})
"""Addresses of our own, which a device of that name would lie behind."""

_SIM_NUMBER = re.compile(r"\+?[0-9]{5,22}")


def read_sim_number(text: str) -> str:
    """A phone number or the card's own; raises ValueError that says what is expected."""
    number = re.sub(r"[ ()-]", "", text)
    if not _SIM_NUMBER.fullmatch(number):
        raise ValueError("must be 5 to 22 digits, with or without a leading +")
    return number


def register_device(
    session: Session,
    owner_id: int,
    *,
    uid: str,
    model: str = "",
    kind: DeviceKind = DeviceKind.WATCH,
) -> tuple[Device, str]:
    """A new device, and the secret of its broker user, which is shown this once."""
    if not is_uid(uid):
        raise WrongField("device_uid", UID_EXPECTED)
    if uid in NAMES_OF_ROUTES:
        raise Taken("device_uid", f"{uid} is the name of an address of our own")
    device = Device(uid=uid, owner_id=owner_id, model=model, kind=kind)
    secret = new_secret()
    try:
        with session.begin_nested():
            session.add(device)
            session.flush()
            session.add(
                MqttCredential(
                    username=uid,
                    kind=CredentialKind.DEVICE,
                    device_id=device.id,
                    password_hash=hash_secret(secret),
                    client_id=new_client_id(uid),
                )
            )
    except IntegrityError:
        raise Taken("device_uid", f"a device is registered as {uid} already") from None
    return device, secret


def get_credential(session: Session, uid: str) -> MqttCredential:
    """The broker user of a device."""
    return session.get_one(MqttCredential, uid)


def give_dispatcher_credentials(
    session: Session, user_id: int, *, username: str | None = None, regions: Sequence[str] | None = None
) -> tuple[str, str]:
    """Username and secret with which a dispatcher reads the alerts of these regions, or all of them.

    Given again, the old secret stops working.
    """
    secret = new_secret()
    credential = session.scalar(
        select(MqttCredential)
        .where(MqttCredential.user_id == user_id, MqttCredential.kind == CredentialKind.DISPATCHER)
        .limit(1)
        .with_for_update()
    )
    if credential is None or (username is not None and credential.username != username):
        credential = _new_dispatcher(session, user_id, username)
    credential.password_hash = hash_secret(secret)
    credential.alert_regions = None if regions is None else list(regions)
    credential.revoked_at = None
    session.flush()
    return wire_name(credential.username), secret


def _new_dispatcher(session: Session, user_id: int, username: str | None) -> MqttCredential:
    username = username or f"desk-{secrets.token_hex(4)}"
    if not is_uid(username):
        raise WrongField("username", UID_EXPECTED)
    credential = MqttCredential(
        username=username,
        kind=CredentialKind.DISPATCHER,
        user_id=user_id,
        password_hash="",
        client_id=new_client_id(username),
    )
    try:
        with session.begin_nested():
            session.add(credential)
    except IntegrityError:
        raise Taken("username", f"there is a broker user {username} already") from None
    return credential
