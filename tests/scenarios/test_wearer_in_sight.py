"""A watch with a Will calls for help, moves, and dies: what its dispatchers see of it."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ops import servers
from tests.scenarios.actors import STEPS, House, Listener, Watch

PLACE = {"lat": 41.311081, "lon": 69.240562}
A_STREET_ON = {"lat": 41.312981, "lon": 69.240562}


@contextmanager
def connected(watch: Watch, house: House) -> Iterator["subprocess.Popen[bytes]"]:
    """mosquitto_pub that stays connected, with the Will of the contract."""
    status = f"mayday/v1/dev/{watch.uid}/status"
    where = ["-h", house.mqtt["host"], "-p", str(house.mqtt["port"]), "-u", watch.uid, "-P", watch.password]
    will = ["--will-topic", status, "--will-payload", '{"s":"offline"}', "--will-qos", "1", "--will-retain"]
    command = [
        str(servers.install().tool("mosquitto_pub")),
        *where,
        *will,
        "-t",
        status,
        "-q",
        "1",
        "-r",
        "-l",
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        assert process.stdin is not None
        process.stdin.write(b'{"s":"online"}\n')
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_watch_is_told_to_report_followed_and_missed_when_it_dies(house: House) -> None:
    _, watch = house.new_wearer()
    commands = f"mayday/v1/dev/{watch.uid}/cmd"
    with house.alerts() as desk, Listener(house.mqtt, watch.uid, watch.password, commands) as told:
        with connected(watch, house) as alive:
            incident = watch.press(**PLACE)["sos"]
            order = told.until(lambda _, said: said["do"] == "report")
            assert order is not None
            assert (order["every"], order["span"]) == (5, 600)

            watch.publish("pos", {"ts": int(time.time()) + 5, **A_STREET_ON, "acc": 9, "bat": 12})
            seen = desk.until(
                lambda topic, said: topic.endswith(incident) and said["position_source"] == "track"
            )
            assert seen is not None
            assert (seen["lat"], seen["acc"], seen["bat"]) == (A_STREET_ON["lat"], 9, 12)
            assert seen["signal_lost"] is False
            alive.kill()  # SIGKILL: it cannot say goodbye
            lost = desk.until(lambda topic, said: topic.endswith(incident) and said["signal_lost"])
        assert lost is not None
        assert (lost["state"], lost["lat"]) == ("active", A_STREET_ON["lat"])

        watch.publish("status", {"s": "online"})
        desk.until(lambda topic, said: topic.endswith(incident) and not said["signal_lost"])
        house.resolve(incident)
        as_before = told.until(lambda _, said: "every" not in said)
        assert as_before is not None
        assert as_before["do"] == "report"

    told_all = house.desk.get(f"/api/v1/incidents/{incident}/")["timeline"]
    timeline = [line for line in told_all if line["kind"] not in STEPS]
    assert [line["kind"] for line in timeline] == ["opened", "signal_lost", "signal_found", "resolved"]
    detail = timeline[1]["detail"]
    assert detail["why"] == "offline"
    assert (detail["lat"], detail["accuracy_m"], detail["battery_pct"]) == (A_STREET_ON["lat"], 9, 12)
