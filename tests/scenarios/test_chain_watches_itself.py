"""The house tries itself while it runs, and nobody takes that for a call."""

from tests.scenarios.actors import House
from tests.servers import WAIT_S, eventually


def test_a_canary_walks_the_whole_way_of_a_running_house(house: House) -> None:
    def went_well() -> bool:
        last = house.desk.get("/api/v1/system/canary/")["last"]
        return any(call["trouble"] is None and call["telemetry_ms"] is not None for call in last)

    eventually(went_well, "a canary call that came all the way", within_s=2 * WAIT_S)
    [tried, *_] = house.desk.get("/api/v1/incidents/?canary=true")["items"]
    assert (tried["exercise"], tried["canary"], tried["device"]["uid"]) == (True, True, "mayday-canary")
    eventually(
        lambda: house.desk.get(f"/api/v1/incidents/{tried['id']}/")["state"] == "resolved",
        "the canary to be ended",
    )
    everything = house.desk.get("/api/v1/incidents/?limit=50")["items"]
    assert not any(each["canary"] for each in everything)
