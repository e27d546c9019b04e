"""An incident from the press to its end, though what carries it is away or killed all the while."""

import os
import signal
import time

import psycopg

from tests.scenarios.actors import SAMARKAND, House, Watch
from tests.scenarios.conftest import Status
from tests.servers import eventually


def test_redis_stands_still_for_a_whole_incident_and_nobody_notices(house: House, status: Status) -> None:
    _, watch = house.new_wearer()
    redis = house.pid("redis", status())
    os.kill(redis, signal.SIGSTOP)
    try:
        with house.alerts() as desk:
            incident = watch.press()["sos"]
            assert desk.until(lambda topic, said: topic.endswith(incident) and said["state"] == "active")
            house.desk.post(f"/api/v1/incidents/{incident}/ack/")
            assert desk.until(lambda topic, said: topic.endswith(incident) and said.get("acknowledged_by"))
            house.resolve(incident)
            assert desk.until(lambda topic, said: topic.endswith(incident) and said is None) is None
        hears(watch, "resolved")
    finally:
        os.kill(redis, signal.SIGCONT)


def test_a_dispatcher_whose_browser_goes_silent_loses_the_call_and_it_is_asked_again(house: House) -> None:
    _, watch = house.new_wearer()
    with house.alerts() as desk:
        incident = watch.press()["sos"]
        house.desk.post(f"/api/v1/incidents/{incident}/ack/")
        assert desk.until(lambda topic, said: topic.endswith(incident) and said.get("acknowledged_by"))
        hears(watch, "acknowledged")
        two_minutes_pass(house, incident)
        assert desk.until(
            lambda topic, said: (
                topic.endswith(incident) and said["state"] == "active" and said.get("next_whom")
            )
        )
        hears(watch, "active")
    told = house.desk.get(f"/api/v1/incidents/{incident}/")
    assert told["acknowledged_by"] is None
    kinds = [line["kind"] for line in told["timeline"]]
    assert "asked" in kinds[kinds.index("acknowledgement_lapsed") :]
    house.resolve(incident)


def test_dispatch_and_notifier_are_killed_at_every_step_of_a_response(house: House, status: Status) -> None:
    helper, phone = house.new_helper("Jasur Umarov")
    _, watch = house.new_wearer()
    assert watch.down

    def kill_both() -> None:
        for name in ("dispatch", "notifier"):
            os.kill(house.pid(name, status()), signal.SIGKILL)

    kill_both()
    incident = watch.press(ts=int(time.time()), type="fall", **SAMARKAND)["sos"]
    offer = phone.offer()
    kill_both()
    phone.publish("reply", {"id": offer["id"], "ok": True, "eta": 120})
    hears(watch, "responding")
    kill_both()
    phone.stand(SAMARKAND)
    hears(watch, "on_scene")
    kill_both()
    house.resolve(incident)
    hears(watch, "resolved")
    with house.alerts() as late:
        own = watch.press()["sos"]
        seen = late.until(lambda topic, said: said is not None and topic.endswith((incident, own)))
        assert seen is not None
        assert seen["incident"] == own, "what is over is still shown"
    house.resolve(own)
    kinds = [line["kind"] for line in house.desk.get(f"/api/v1/incidents/{incident}/")["timeline"]]
    for once in ("opened", "helpers_asked", "helper_accepted", "helper_arrived", "resolved"):
        assert kinds.count(once) == 1, kinds
    eventually(lambda: helper.get("/api/v1/calls/")["items"][0]["state"] == "done", "the call to be over")
    house.send_home(helper, phone)


def two_minutes_pass(house: House, incident: str) -> None:
    """For who has taken the call, that is."""
    with psycopg.connect(house.status["database"]) as connection:
        connection.execute(
            "UPDATE timers SET due_at = due_at - interval '2 min' WHERE subject = %s AND kind = 'ack_lease'",
            [incident],
        )


def hears(watch: Watch, state: str) -> None:
    """The wearer is told that it stands so."""
    assert watch.down.until(lambda topic, said: topic.endswith("/state") and said["s"] == state)
