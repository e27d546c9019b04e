"""A small town to try things in: people, a watch, phones, a car, prices and a desk, ready to be used."""

import secrets
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.accounts.passwords import hash_password
from api.accounts.service import find_user, register_user
from api.devices.service import give_dispatcher_credentials, register_device
from broker.passwords import hash_secret, new_secret
from db.models import Driver, Helper, MqttCredential, Region, Tariff, User, VehicleType
from db.session import Database
from db.states import DeviceKind, Role, Service, Skill
from dispatch.fleet import profiles, shifts, vehicles
from dispatch.fleet.vehicles import Draft
from ops.stack import Stack

ADMIN = "+998901000001"
DISPATCHER = "+998901000002"
WEARER = "+998901000003"
HELPER = "+998901000004"
DRIVER = "+998901000005"
CUSTOMER = "+998901000006"
WATCH = "demo-watch"
PHONE = "demo-phone"
TAXI = "demo-taxi"
DESK = "demo-desk"
CURRENCY = "UZS"
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
        customer = _person(session, CUSTOMER, "Malika Demo", Role.CUSTOMER)
        driver = _person(session, DRIVER, "Rustam Demo", Role.DRIVER)
        taxi_secret = _device(session, TAXI, DeviceKind.PHONE, owner=_get(session, DRIVER))
        _put_on_shift(session, _get(session, DRIVER), at=datetime.now(UTC))
        _price_lists(session, at=datetime.now(UTC))
    database.close()
    return {
        "admin": admin,
        "dispatcher": dispatcher | {"mqtt_username": desk, "mqtt_password": desk_secret},
        "wearer": wearer,
        "watch": {"uid": WATCH, "password": watch_secret},
        "helper": helper,
        "phone": {"uid": PHONE, "password": phone_secret},
        "customer": customer,
        "driver": driver,
        "taxi": {"uid": TAXI, "password": taxi_secret},
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


def _put_on_shift(session: Session, person: User, *, at: datetime) -> None:
    if session.get(Driver, person.id) is None:
        profiles.keep_profile(session, person.id, services=list(Service), regions=None)
        vehicles.add(
            session,
            person.id,
            Draft(
                type="van",
                name="White Damas with a lift",
                registration="01 A 007 MD",
                seats=6,
                payload_kg=2_500,
                lift=True,
                ramp=True,
                child_seats=1,
            ),
        )
    shifts.start(session, person.id, at=at)


def _price_lists(session: Session, *, at: datetime) -> None:
    """What can be ordered, in tiyin: tariffs for everywhere, and the kinds of vehicles."""
    for rank, (slug, kind) in enumerate(_VEHICLE_TYPES.items()):
        if session.get(VehicleType, slug) is None:
            session.add(VehicleType(slug=slug, rank=rank, **kind))
    known = session.scalars(select(Tariff.service).where(Tariff.region.is_(None))).all()
    for service, tariff in _TARIFFS.items():
        if service not in known:
            session.add(Tariff(service=service, currency=CURRENCY, changed_at=at, **_USUAL | tariff))


_VEHICLE_TYPES: dict[str, dict[str, Any]] = {
    "car": {"name": "Car", "services": ["tow", "repair"], "base_price": 12_000_000, "weight_kg": 1_500},
    "suv": {"name": "SUV", "services": ["tow", "repair"], "base_price": 16_000_000, "weight_kg": 2_300},
    "van": {"name": "Van", "services": ["tow", "repair"], "base_price": 20_000_000, "weight_kg": 3_500},
    "taxi": {"name": "Taxi", "services": ["ride"], "base_price": 800_000, "seats": 4},
    "minibus": {"name": "Minibus with a lift", "services": ["ride"], "base_price": 1_500_000, "seats": 6},
}
_USUAL: dict[str, Any] = {
    "night_pct": 130,
    "night_from": time(22),
    "night_until": time(6),
    "timezone": "Asia/Tashkent",
    "free_wait_s": 180,
    "per_wait_min": 50_000,
    "cancel_pct": 50,
    "no_show_pct": 100,
    "addons": [],
}
_TARIFFS: dict[Service, dict[str, Any]] = {
    Service.TOW: {
        "minimum": 15_000_000,
        "included_m": 2_000,
        "per_km": 800_000,
        "per_wait_min": 200_000,
        "addons": [
            {"slug": "winch", "name": "Winch", "price": 8_000_000},
            {"slug": "locked-wheel", "name": "Locked wheel", "price": 4_000_000},
        ],
    },
    Service.REPAIR: {
        "minimum": 10_000_000,
        "included_m": 0,
        "per_km": 0,
        "free_wait_s": 900,
        "addons": [
            {"slug": "jump-start", "name": "Jump start", "price": 3_000_000},
            {"slug": "wheel", "name": "Change of a wheel", "price": 5_000_000},
        ],
    },
    Service.RIDE: {
        "minimum": 1_200_000,
        "included_m": 1_000,
        "per_km": 180_000,
        "free_wait_s": 300,
        "addons": [{"slug": "escort", "name": "Escort to the door", "price": 1_500_000}],
    },
}


def _get(session: Session, phone: str) -> User:
    user = find_user(session, phone)
    assert user is not None
    return user
