"""Kill one process, press SOS: it is stored, answered and seen, whichever it was."""

import os
import signal

import pytest

from tests.conftest import Mayday
from tests.scenarios.actors import House
from tests.scenarios.conftest import Status
from tests.servers import WAIT_S, eventually

ALL = [
    "postgres",
    "redis",
    "keeper",
    "mosquitto",
    "sos-1",
    "sos-2",
    "telemetry",
    "dispatch",
    "orders",
    "notifier",
    "audit",
    "api",
    "jobs",
]
SEEN_WITHIN_S = 60


@pytest.mark.parametrize("victim", ALL)
def test_a_press_is_answered_and_seen_though_a_process_was_just_killed(
    house: House, status: Status, victim: str
) -> None:
    _, watch = house.new_wearer()
    assert watch.down
    before = status()
    os.kill(house.pid(victim, before), signal.SIGKILL)
    answer = watch.press(within_s=SEEN_WITHIN_S)
    assert answer["ok"] is True

    def is_running_again() -> bool:
        [now] = [each for each in status()["processes"] if each["name"] == victim]
        return bool(now["state"] == "running" and now["pid"] != house.pid(victim, before))

    eventually(is_running_again, f"{victim} to be back")
    eventually(lambda: house.anyone.send("GET", "/readyz")[0] == 200, "the api to be ready")
    with house.alerts() as desk:
        alert = desk.until(lambda topic, _: topic.endswith(answer["sos"]), SEEN_WITHIN_S)
    assert alert is not None
    assert alert["state"] == "active"
    house.resolve(answer["sos"])


def test_an_open_incident_is_still_shown_after_the_broker_was_killed_at_once(
    house: House, status: Status
) -> None:
    _, watch = house.new_wearer()
    with house.alerts() as desk:
        incident = watch.press()["sos"]
        desk.until(lambda topic, _: topic.endswith(incident))
    # Mosquitto writes what it retains once a second: this one it has not written yet.
    os.kill(house.pid("mosquitto", status()), signal.SIGKILL)
    eventually(lambda: house.anyone.send("GET", "/readyz")[0] == 200, "the broker to be back")
    with house.alerts() as late:
        assert late.until(lambda topic, _: topic.endswith(incident))
    house.resolve(incident)


def test_a_frozen_worker_of_two_delays_nothing(house: House, status: Status) -> None:
    _, watch = house.new_wearer()
    assert watch.down
    frozen = house.pid("sos-1", status())
    os.kill(frozen, signal.SIGSTOP)
    try:
        # Each is answered at its first sending, so each went to the other worker as well.
        for _ in range(5):
            house.resolve(watch.press(again_s=WAIT_S)["sos"])
    finally:
        os.kill(frozen, signal.SIGCONT)


def test_the_house_goes_on_without_its_supervisor_and_is_taken_over_by_the_next(
    house: House, status: Status, mayday: Mayday
) -> None:
    _, watch = house.new_wearer()
    before = status()
    os.kill(before["supervisor"], signal.SIGKILL)
    incident = watch.press()["sos"]
    assert incident
    mayday("up", "--detach")
    after = status()
    assert after["supervisor"] != before["supervisor"]
    assert {each["name"]: each["pid"] for each in after["processes"]} == {
        each["name"]: each["pid"] for each in before["processes"]
    }
    house.resolve(incident)
