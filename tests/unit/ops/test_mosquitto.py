"""The broker's configuration, made fit for an embedded run."""

import struct
from pathlib import Path

import pytest

from ops.broker_database import is_whole, move_aside_if_broken
from ops.mosquitto import LISTENERS, TEMPLATE, fill_in, setting
from ops.trouble import Trouble

PORTS = {"mqtt": 11883, "mqtt_tls": 18883, "mqtt_ws": 19001, "mqtt_service": 11884}
FOLDER = Path("/home/somebody/.mayday/data/mosquitto")


def fill(template: str, *, bind: str = "127.0.0.1") -> str:
    return fill_in(template, folder=FOLDER, ports=PORTS, bind=bind)


@pytest.fixture
def template() -> str:
    return TEMPLATE.read_text(encoding="utf-8")


def test_the_containers_configuration_is_filled_in_completely(template: str) -> None:
    filled = fill(template)
    assert "/mosquitto/" not in filled.replace(str(FOLDER), "")
    assert setting(filled, "persistence_location") == FOLDER / "data"
    assert setting(filled, "certfile").is_relative_to(FOLDER / "config")
    for port in PORTS.values():
        assert f"listener {port} 127.0.0.1\n" in filled


def test_what_is_not_encrypted_stays_on_this_machine(template: str) -> None:
    filled = fill(template, bind="0.0.0.0")
    assert "listener 18883 0.0.0.0\n" in filled
    assert "listener 11883 127.0.0.1\n" in filled
    assert "listener 11884 127.0.0.1\n" in filled


def test_a_listener_nobody_told_us_of_stops_the_start(template: str) -> None:
    with pytest.raises(Trouble, match="listener 1999"):
        fill(f"{template}\nlistener 1999\n")


def test_a_listener_that_is_gone_stops_the_start(template: str) -> None:
    with pytest.raises(Trouble, match="no listener for mqtt_tls"):
        fill(template.replace("listener 8883", ""))


def test_a_path_nobody_told_us_of_stops_the_start(template: str) -> None:
    with pytest.raises(Trouble, match="/mosquitto/log"):
        fill(f"{template}\nlog_dest file /mosquitto/log/mosquitto.log\n")


def test_every_listener_has_a_port_of_its_own() -> None:
    assert len(set(LISTENERS.values())) == len(LISTENERS)


def database(*chunks: bytes) -> bytes:
    body = b"".join(struct.pack(">II", 1, len(chunk)) + chunk for chunk in chunks)
    return b"\x00\xb5\x00mosquitto db" + struct.pack(">II", 0, 6) + body


def test_a_database_written_to_its_end_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "mosquitto.db"
    path.write_bytes(database(b"settings", b"a message"))
    assert is_whole(path)
    assert move_aside_if_broken(path) is None


@pytest.mark.parametrize("cut", [0, 5, 20, 30, 40])
def test_a_database_cut_short_is_moved_aside(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "mosquitto.db"
    path.write_bytes(database(b"settings", b"a message")[:cut])
    aside = move_aside_if_broken(path)
    assert aside is not None
    assert aside.exists()
    assert not path.exists()


def test_no_database_is_no_trouble(tmp_path: Path) -> None:
    assert move_aside_if_broken(tmp_path / "mosquitto.db") is None
