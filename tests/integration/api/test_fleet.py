"""Drivers and where people are, whichever contract asks."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from api.fleet import service as fleet
from db import places
from db.models import User, UserRole
from db.session import Database
from db.states import Role, Service, UserStatus
from tests.builders import NOON, make_user
from tests.ordering import assign, place_order

ASKED = (Service.TOW, Service.REPAIR)


@pytest.fixture
def driver(database: Database) -> User:
    """Somebody who tows, and is ready."""
    user = make_user(database, Role.DRIVER)
    with database.transaction() as session:
        fleet.enrol_driver(session, user.id, services=[Service.TOW], vehicle_type="flatbed")
        fleet.set_online(session, user.id, True, at=NOON)
    return user


def available(database: Database) -> list[int]:
    with database.transaction() as session:
        return [each.user.id for each in fleet.list_available(session, ASKED, limit=10)]


def test_who_is_ready_can_be_asked(database: Database, driver: User) -> None:
    assert available(database) == [driver.id]


def test_who_is_not_ready_cannot(database: Database, driver: User) -> None:
    with database.transaction() as session:
        fleet.set_online(session, driver.id, False, at=NOON)
    assert available(database) == []


def test_who_has_an_order_cannot(database: Database, driver: User) -> None:
    assign(database, place_order(database, service=Service.TOW), driver)
    assert available(database) == []


def test_who_is_blocked_cannot(database: Database, driver: User) -> None:
    with database.transaction() as session:
        session.execute(update(User).values(status=UserStatus.BLOCKED))
    assert available(database) == []


def test_who_is_no_driver_any_more_cannot(database: Database, driver: User) -> None:
    with database.transaction() as session:
        session.execute(delete(UserRole))
    assert available(database) == []


def test_who_does_something_else_cannot(database: Database) -> None:
    user = make_user(database, Role.DRIVER)
    with database.transaction() as session:
        fleet.enrol_driver(session, user.id, services=[Service.RIDE])
        fleet.set_online(session, user.id, True, at=NOON)
    assert available(database) == []


def test_who_moved_last_comes_first(database: Database, driver: User) -> None:
    other = make_user(database, Role.DRIVER)
    with database.transaction() as session:
        fleet.enrol_driver(session, other.id, services=[Service.REPAIR])
        fleet.set_online(session, other.id, True, at=NOON)
        places.move(session, other.id, lat=1, lon=2, at=NOON)
    assert available(database) == [other.id, driver.id]


def test_a_place_that_comes_late_changes_nothing(database: Database, driver: User) -> None:
    with database.transaction() as session:
        places.move(session, driver.id, lat=1, lon=2, at=NOON)
        places.move(session, driver.id, lat=3, lon=4, at=NOON - timedelta(seconds=1))
        places.move(session, driver.id, lat=5, lon=6, at=NOON - timedelta(seconds=2))
        place = fleet.get_person(session, driver.id).place
    assert place is not None
    assert (place.lat, place.lon, place.at) == (1, 2, NOON)
