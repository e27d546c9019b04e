"""Where people are, by HTTP and by the phones they carry."""

from collections.abc import Set
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from db import places, telemetry
from db.models import Device, Driver, LastPlace, User
from db.samples import Batch, PositionRow
from db.session import Database
from db.states import Clock, DeviceKind, Role
from tests.builders import make_device, make_user
from tests.helping import make_helper, make_phone

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def fix(
    device: Device, lat: float, *, at: datetime = NOON, received_at: datetime | None = None
) -> PositionRow:
    return PositionRow(
        *(device.id, at, round(lat * 1_000), received_at or at, Clock.DEVICE, None, lat, 69.2),
        *(None, 8.0, None, None),
    )


def store(database: Database, *positions: PositionRow, phones: Set[int] | None = None) -> None:
    with database.transaction() as session:
        telemetry.store(session, Batch(positions=list(positions), phones=phones), lane="test")


def place_of(database: Database, person: User) -> tuple[float, datetime] | None:
    with database.transaction() as session:
        found = session.scalar(select(LastPlace).where(LastPlace.user_id == person.id))
        return None if found is None else (found.lat, found.at)


def test_the_phone_of_a_helper_says_where_they_are(database: Database) -> None:
    helper = make_helper(database, metres=None)
    phone = make_phone(database, helper, "phone-1")
    store(database, fix(phone, 41.1), fix(phone, 41.2, at=NOON + SECOND))
    assert place_of(database, helper) == (41.2, NOON + SECOND)


def test_the_newest_of_several_phones_and_ways_wins(database: Database) -> None:
    helper = make_helper(database, metres=None)
    one, other = make_phone(database, helper, "phone-1"), make_phone(database, helper, "phone-2")
    store(database, fix(one, 41.1, at=NOON + 5 * SECOND), fix(other, 41.2))
    assert place_of(database, helper) == (41.1, NOON + 5 * SECOND)
    with database.transaction() as session:
        places.move(session, helper.id, lat=41.5, lon=69.2, at=NOON + 9 * SECOND)
    store(database, fix(one, 41.3, at=NOON + 7 * SECOND))
    assert place_of(database, helper) == (41.5, NOON + 9 * SECOND)


def test_a_phone_whose_clock_is_ahead_does_not_outlive_what_comes_after(database: Database) -> None:
    helper = make_helper(database, metres=None)
    phone = make_phone(database, helper, "phone-1")
    store(database, fix(phone, 41.1, at=NOON + 240 * SECOND, received_at=NOON))
    assert place_of(database, helper) == (41.1, NOON)


def test_watches_and_people_who_cannot_be_sent_leave_no_trace(database: Database) -> None:
    busy, customer = make_helper(database, metres=None, available=False), make_user(database)
    helper = make_helper(database, metres=None)
    watch = make_device(database, helper)
    store(
        database,
        fix(watch, 41.1),
        fix(make_phone(database, busy, "phone-1"), 41.1),
        fix(make_phone(database, customer, "phone-2"), 41.1),
    )
    assert [place_of(database, each) for each in (busy, customer, helper)] == [None, None, None]


def test_a_driver_is_followed_while_online(database: Database) -> None:
    driver = make_user(database, Role.DRIVER)
    with database.transaction() as session:
        session.add(Driver(user_id=driver.id, services=[], online=True, vehicles=[]))
    store(database, fix(make_phone(database, driver, "phone-1"), 41.1))
    assert place_of(database, driver) == (41.1, NOON)


def test_a_lane_that_knows_its_phones_asks_after_no_other(database: Database) -> None:
    helper = make_helper(database, metres=None)
    phone = make_phone(database, helper, "phone-1")
    store(database, fix(phone, 41.1), phones=frozenset())
    assert place_of(database, helper) is None
    with database.transaction() as session:
        assert telemetry.find_phones(session, [phone.id, make_device(database).id]) == {phone.id}
    store(database, fix(phone, 41.2, at=NOON + SECOND), phones={phone.id})
    assert place_of(database, helper) == (41.2, NOON + SECOND)
    assert phone.kind == DeviceKind.PHONE
