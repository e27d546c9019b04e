"""A small town to try things in: people, a watch, a helper's phone and a desk that can be used at once."""

import secrets
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.accounts.passwords import hash_password
from api.accounts.service import find_user, register_user
from api.devices.service import give_dispatcher_credentials, register_device
from broker.passwords import hash_secret, new_secret
from db.models import Helper, MqttCredential, Region, User
from db.session import Database
from db.states import DeviceKind, Role, Skill
from ops.stack import Stack

ADMIN = "+998901000001"
DISPATCHER = "+998901000002"
WEARER = "+998901000003"
HELPER = "+998901000004"
WATCH = "demo-watch"
PHONE = "demo-phone"
DESK = "demo-desk"
CITY = "MULTIPOLYGON(((69.1 41.2, 69.4 41.2, 69.4 41.4, 69.1 41.4, 69.1 41.2)))"


def seed(stack: Stack) -> dict[str, Any]:
    """Put the demo into a migrated database and return its logins; said again, it returns the same ones.

    The passwords are made for this stack alone. Where they were lost, the demo's people get new ones.
    """
    if stack.demo:
        return stack.demo
    database = Database(name="demo")
    with database.transaction() as session:
        _region(session)
        admin = _person(session, ADMIN, "Demo Admin", Role.ADMIN)
        dispatcher = _person(session, DISPATCHER, "Demo Dispatcher", Role.DISPATCHER)
        wearer = _person(session, WEARER, "Demo Wearer", Role.CUSTOMER)
        desk, desk_secret = give_dispatcher_credentials(session, _get(session, DISPATCHER).id, username=DESK)
        watch_secret = _device(session, WATCH, DeviceKind.WATCH, owner=_get(session, WEARER))
        helper = _person(session, HELPER, "Demo Helper", Role.HELPER)
        phone_secret = _device(session, PHONE, DeviceKind.PHONE, owner=_get(session, HELPER))
        _make_available(session, _get(session, HELPER))
    database.close()
    return {
        "admin": admin,
        "dispatcher": dispatcher | {"mqtt_username": desk, "mqtt_password": desk_secret},
        "wearer": wearer,
        "watch": {"uid": WATCH, "password": watch_secret},
        "helper": helper,
        "phone": {"uid": PHONE, "password": phone_secret},
    }


def _region(session: Session) -> None:
    if session.scalar(select(Region.id).where(Region.slug == "tashkent")) is None:
        session.add(Region(slug="tashkent", name="Tashkent", area=f"SRID=4326;{CITY}"))


def _person(session: Session, phone: str, name: str, role: Role) -> dict[str, str]:
    password = secrets.token_urlsafe(9)
    user = find_user(session, phone)
    if user is None:
        register_user(session, phone=phone, password=password, full_name=name, roles=[role])
    else:
        user.password_hash = hash_password(password)
    return {"phone": phone, "password": password}


def _device(session: Session, uid: str, kind: DeviceKind, *, owner: User) -> str:
    credential = session.get(MqttCredential, uid)
    if credential is None:
        return register_device(session, owner.id, uid=uid, model=f"Demo {kind.title()}", kind=kind)[1]
    secret = new_secret()
    credential.password_hash, credential.revoked_at = hash_secret(secret), None
    return secret


def _make_available(session: Session, person: User) -> None:
    if session.get(Helper, person.id) is None:
        session.add(Helper(user_id=person.id, skills=[Skill.FIRST_AID], radius_m=5_000, available=True))


def _get(session: Session, phone: str) -> User:
    user = find_user(session, phone)
    assert user is not None
    return user
