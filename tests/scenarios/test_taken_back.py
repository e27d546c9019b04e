"""Somebody takes their call back: of their own will, or because somebody stands beside them."""

from typing import Any

from tests.scenarios.actors import STEPS, Api, House, Watch
from tests.servers import eventually

PIN, DURESS_PIN = "4711", "9999"


def set_pins(house: House, wearer: Api) -> None:
    said = {"password": house.password_of(wearer), "pin": PIN, "duress_pin": DURESS_PIN}
    status, answer = wearer.send("PUT", "/api/v1/auth/me/pin/", said)
    assert status == 204, answer


def take_back(watch: Watch, pin: str) -> dict[str, Any]:
    """Under an id of its own: both workers answer, and an earlier answer must not be taken for this one."""
    return watch.press(cancel=True, pin=pin)


def what_is_seen(house: House, pin: str) -> tuple[list[Any], str, Watch, Api]:
    """Somebody presses, is looked after, and takes it back with this pin: all that they can see of it."""
    wearer, watch = house.new_wearer()
    set_pins(house, wearer)
    incident = watch.press(type="fall")["sos"]
    house.desk.post(f"/api/v1/incidents/{incident}/ack/")
    assert watch.down.until(lambda topic, said: topic.endswith("/state") and said["s"] == "acknowledged")
    refused = take_back(watch, "0000")
    answer = take_back(watch, pin)
    assert answer.pop("sos") == incident
    shown = watch.down.until(lambda topic, said: topic.endswith("/state") and said["s"] == "resolved")
    assert shown is not None
    own = wearer.get(f"/api/v1/incidents/{incident}/")
    seen = [
        {name: value for name, value in each.items() if name != "id"} for each in (refused, answer, shown)
    ]
    kinds = [line["kind"] for line in own["timeline"] if line["kind"] not in STEPS]
    return [*seen, own["state"], own["outcome"], own["duress"], kinds], incident, watch, wearer


def test_a_duress_pin_looks_like_the_right_one_and_brings_help(house: House) -> None:
    right, ended, *_ = what_is_seen(house, PIN)
    with house.alerts() as desk:
        forced, goes_on, watch, wearer = what_is_seen(house, DURESS_PIN)
        assert forced == right
        assert right[1] == {"ok": True}
        assert house.desk.get(f"/api/v1/incidents/{ended}/")["state"] == "resolved"

        alert = desk.until(lambda topic, said: topic.endswith(goes_on) and said and said["duress"])
        assert alert is not None
        assert (alert["state"], alert["sev"], alert["uid"]) == ("acknowledged", 5, watch.uid)
        # Whatever the desk does now, the watch hears nothing of it.
        house.desk.post(f"/api/v1/incidents/{goes_on}/note/", {"text": "police informed"})
        house.desk.post(f"/api/v1/incidents/{goes_on}/resolve/", {"outcome": "handed_over"})
        assert desk.until(lambda topic, said: topic.endswith(goes_on) and said is None) is None
        timeline = house.desk.get(f"/api/v1/incidents/{goes_on}/")["timeline"]
        assert [line["kind"] for line in timeline if line["kind"] not in STEPS] == [
            *("opened", "acknowledged", "cancel_refused", "cancelled_under_duress", "noted", "resolved"),
        ]
    assert wearer.get(f"/api/v1/incidents/{goes_on}/")["outcome"] == "cancelled"
    # The next thing that it hears is of its next call.
    next_call = watch.press()
    heard = watch.down.until(lambda topic, _: topic.endswith("/state"))
    assert heard == {"id": next_call["id"], "s": "active"}
    assert next_call["dup"] is False
    house.resolve(next_call["sos"])


def test_whoever_presses_again_after_a_duress_pin_is_answered_as_by_a_new_call(house: House) -> None:
    _, incident, watch, wearer = what_is_seen(house, DURESS_PIN)
    again = watch.press()
    assert (again["ok"], again["dup"], again["sos"]) == (True, False, incident)
    assert watch.down.until(lambda topic, said: topic.endswith("/state") and said["id"] == again["id"])
    eventually(
        lambda: wearer.get(f"/api/v1/incidents/{incident}/")["state"] == "acknowledged",
        "the wearer to see that it goes on",
    )
    house.resolve(incident)
