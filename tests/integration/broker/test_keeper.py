"""The keeper between a real database and a real broker: how soon one gets in, and another is cut off."""

import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from broker import keeper as keeper_module
from broker import process, topics
from broker.accounts import PASSWORDS
from broker.client import Connection
from broker.keeper import Keeper
from broker.passwords import hash_secret
from broker.settings import KeeperSettings
from broker.topics import AlertKind, Service
from db.models.devices import MqttCredential
from db.session import Database
from db.states import CredentialKind
from tests.builders import make_device, make_user
from tests.servers import WAIT_S, Broker, eventually, usual

_numbers = itertools.count(1)
Connect = Callable[..., Any]


def admit(database: Database, uid: str, *, regions: list[str] | None = None, desk: bool = False) -> str:
    """Give a device or a dispatcher its credential."""
    password = f"password of {uid}"
    owner = make_user(database)
    device = None if desk else make_device(database, uid=uid)
    with database.transaction() as session:
        session.add(
            MqttCredential(
                username=uid,
                kind=CredentialKind.DISPATCHER if desk else CredentialKind.DEVICE,
                device_id=device.id if device else None,
                user_id=owner.id if desk else None,
                password_hash=hash_secret(password),
                client_id=uid,
                alert_regions=regions,
            )
        )
    return password


def revoke(database: Database, uid: str) -> None:
    with database.transaction() as session:
        session.execute(
            update(MqttCredential).where(MqttCredential.username == uid).values(revoked_at=datetime.now(UTC))
        )


def uid() -> str:
    return f"kept-{next(_numbers)}"


@pytest.mark.alone
@pytest.mark.usefixtures("keeper")
def test_a_new_device_gets_in_within_a_second(database: Database, station: Connect) -> None:
    def gets_in() -> float:
        name = uid()
        password = admit(database, name)
        since = time.monotonic()
        eventually(lambda: station(name, password).is_in, "the device to get in")
        return time.monotonic() - since

    assert usual(gets_in) < 1


@pytest.mark.alone
@pytest.mark.usefixtures("keeper")
@pytest.mark.parametrize("how", ["revoked", "deleted", "another password"])
@pytest.mark.parametrize("listener", ["mqtt", "mqtt_tls", "mqtt_ws"])
def test_a_device_that_lost_its_right_is_cut_off_within_a_second_and_others_are_not(
    database: Database, station: Connect, how: str, listener: str
) -> None:
    assert usual(lambda: cut_off_after_s(database, station, how, listener)) < 1


def cut_off_after_s(database: Database, station: Connect, how: str, listener: str) -> float:
    name, other = uid(), uid()
    password, others = admit(database, name), admit(database, other)
    eventually(lambda: station(other, others).is_in, "the other to get in")
    lost, stays = station(name, password, listener=listener), station(other, others)
    assert lost.is_in
    since = time.monotonic()
    if how == "revoked":
        revoke(database, name)
    else:
        with database.transaction() as session:
            mine = MqttCredential.username == name
            session.execute(
                delete(MqttCredential).where(mine)
                if how == "deleted"
                else update(MqttCredential).where(mine).values(password_hash=hash_secret("another"))
            )
    eventually(lambda: lost.lost_at is not None, "the cut")
    assert not station(name, password).is_in
    assert stays.lost_at is None
    took_s: float = lost.lost_at - since
    return took_s


@pytest.mark.usefixtures("keeper")
def test_a_dispatcher_who_lost_a_region_hears_no_more_of_it(
    broker: Broker, database: Database, station: Connect
) -> None:
    name = uid()
    password = admit(database, name, desk=True, regions=["north", "south"])
    eventually(lambda: station(name, password).is_in, "the dispatcher to get in")
    desk = station(name, password)
    desk.listen("mayday/v1/alerts/#")
    with database.transaction() as session:
        session.execute(
            update(MqttCredential).where(MqttCredential.username == name).values(alert_regions=["south"])
        )
    with Connection(f"keeper-test-{name}", Service.NOTIFIER, broker.settings) as notifier:
        notifier.wait_connected(WAIT_S)
        keys = itertools.count()

        def still_hears_north() -> bool:
            key = next(keys)
            for region in ("north", "south"):
                notifier.publish(topics.alert(region, AlertKind.SOS, f"{key}"), b"{}").wait(WAIT_S)
            desk.hears(f"mayday/v1/alerts/south/sos/{key}")
            return f"mayday/v1/alerts/north/sos/{key}" in [topic for topic, _ in desk.heard()]

        eventually(lambda: not still_hears_north(), "the region to be taken away")
        assert not still_hears_north()


def test_nothing_is_rewritten_while_nothing_changes(settings: KeeperSettings, database: Database) -> None:
    admit(database, uid())
    keeper = Keeper(settings)
    with database.transaction() as session:
        assert keeper.look(session)
        before = (settings.broker_dir / PASSWORDS).stat().st_ino
        assert not keeper.look(session)
    with database.transaction() as session:
        assert not Keeper(settings).look(session)
    assert (settings.broker_dir / PASSWORDS).stat().st_ino == before


def test_a_lost_file_is_written_again(settings: KeeperSettings, database: Database) -> None:
    keeper = Keeper(settings)
    with database.transaction() as session:
        keeper.look(session)
        (settings.broker_dir / PASSWORDS).unlink()
        assert keeper.look(session)


@pytest.mark.usefixtures("keeper")
def test_what_changed_while_the_broker_was_down_counts_when_it_is_back(
    broker: Broker, database: Database, station: Connect
) -> None:
    name, gone = uid(), uid()
    admit(database, gone)
    broker.kill()
    password = admit(database, name)
    revoke(database, gone)
    broker_process_starts(broker)
    eventually(lambda: station(name, password).is_in, "the device to get in")
    assert not station(gone, f"password of {gone}").is_in


def broker_process_starts(broker: Broker) -> None:
    """Start it without the test's own hand in the files."""
    from ops import programs
    from ops.programs import Answer

    broker._process = programs.spawn(broker.server.program(), broker._folder / "mosquitto.log")
    eventually(lambda: broker.server.ask() is Answer.READY, "the broker to answer")


@pytest.mark.usefixtures("keeper")
def test_a_hundred_devices_at_once_cost_few_reloads_and_all_get_in(
    database: Database, station: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    reloads: list[bool] = []
    reload = keeper_module.reload_broker

    def told(pid_file: Path) -> bool:
        reloads.append(reload(pid_file))
        return reloads[-1]

    monkeypatch.setattr(keeper_module, "reload_broker", told)
    names = [uid() for _ in range(100)]
    since = time.monotonic()
    passwords = {name: admit(database, name) for name in names}
    eventually(lambda: station(names[-1], passwords[names[-1]]).is_in, "the last to get in")
    # One a fifth of a second, and one at each end.
    assert 0 < len(reloads) <= (time.monotonic() - since) / 0.2 + 2
    assert all(station(name, passwords[name]).is_in for name in names[::10])


def test_it_goes_on_without_a_database_and_catches_up(
    broker: Broker, settings: KeeperSettings, database: Database, keeper: process.Life, station: Connect
) -> None:
    with database.engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND usename = current_user AND datname = current_database()"
        )
    name = uid()
    password = admit(database, name)
    eventually(lambda: station(name, password).is_in, "the device to get in")
    assert not keeper.stopping.is_set()


@pytest.mark.usefixtures("keeper")
def test_a_device_has_its_topics_under_either_name_until_the_older_login_expires(
    database: Database, station: Connect
) -> None:
    name = uid()
    old = admit(database, name)
    second = topics.second_name(name)
    with database.transaction() as session:
        held = session.get_one(MqttCredential, name)
        session.add(
            MqttCredential(
                username=second,
                kind=CredentialKind.DEVICE,
                device_id=held.device_id,
                password_hash=hash_secret("new"),
                client_id=held.client_id,
                number=2,
            )
        )
    eventually(lambda: station(second, "new").is_in, "the new login to work")
    before, after = station(name, old), station(second, "new")
    assert before.is_in
    end = datetime.now(UTC) + timedelta(seconds=1)
    with database.transaction() as session:
        session.get_one(MqttCredential, name).expires_at = end
    eventually(lambda: before.lost_at is not None, "the old login to end")
    assert datetime.now(UTC) >= end
    assert after.lost_at is None
    assert not station(name, old).is_in
