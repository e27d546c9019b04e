"""Two cars, two watches, one accident."""

import time
from typing import Any

from tests.scenarios.actors import STEPS, House
from tests.servers import eventually

# A crossing of its own: no other story is told here.
CROSSING = {"lat": 39.654321, "lon": 66.975432}
ACROSS = {"lat": 39.655021, "lon": 66.975432}
"""78 m further north."""


def test_two_calls_of_one_accident_are_looked_after_as_one_and_told_apart_again(house: House) -> None:
    aziza, first_watch = house.new_wearer()
    _, second_watch = house.new_wearer()
    with house.alerts() as desk:
        first = first_watch.press(type="crash", ts=int(time.time()), **CROSSING)["sos"]
        second = second_watch.press(type="crash", sev=5, ts=int(time.time()), **ACROSS)["sos"]
        assert first != second

        def shown(incident: str) -> Any:
            return house.desk.get(f"/api/v1/incidents/{incident}/")

        eventually(lambda: shown(first)["merge_proposals"], "the house to see that they are near")
        [proposal] = shown(first)["merge_proposals"]
        assert proposal["other"] == second
        assert 70 < proposal["distance_m"] < 85

        house.desk.post(f"/api/v1/incidents/{second}/merge/", {"into": first})
        assert desk.until(lambda topic, said: topic.endswith(second) and said.get("merged_into") == first)
        assert [each["device"]["uid"] for each in shown(first)["merged"]] == [second_watch.uid]

        # Who takes the one has taken both, and both watches show it.
        house.desk.post(f"/api/v1/incidents/{first}/ack/")
        for watch in (first_watch, second_watch):
            assert watch.down.until(
                lambda topic, said: topic.endswith("/state") and said["s"] == "acknowledged"
            )

        # It was another car after all: somebody is asked for it again.
        house.desk.post(f"/api/v1/incidents/{second}/unmerge/")
        assert second_watch.down.until(lambda topic, said: topic.endswith("/state") and said["s"] == "active")
        assert shown(second)["next"]["what"] == "escalation"

        # And it was not: with the one, both are over.
        house.desk.post(f"/api/v1/incidents/{second}/merge/", {"into": first})
        house.desk.post(f"/api/v1/incidents/{first}/resolve/", {"outcome": "handed_over"})
        for watch in (first_watch, second_watch):
            assert watch.down.until(lambda topic, said: topic.endswith("/state") and said["s"] == "resolved")
        assert desk.until(lambda topic, said: topic.endswith(second) and said is None) is None
    told = shown(second)
    assert (told["state"], told["outcome"]) == ("resolved", "handed_over")
    kinds = [line["kind"] for line in told["timeline"] if line["kind"] not in STEPS]
    assert kinds == ["opened", "merge_proposed", "merged", "unmerged", "merged", "resolved"]
    assert aziza.get(f"/api/v1/incidents/{first}/")["merged"] == []
