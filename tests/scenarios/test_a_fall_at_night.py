"""A fall at night: nobody answers until the third level."""

import time
from contextlib import suppress
from typing import Any

from tests.scenarios.actors import House
from tests.scenarios.conftest import Status
from tests.servers import eventually

STEPS = [
    {"after_s": 0, "whom": ["dispatchers"]},
    {"after_s": 1, "whom": ["guardians"]},
    {"after_s": 2, "whom": ["supervisor"], "note": "whoever has the night"},
]


def test_a_fall_at_night_that_nobody_answers_until_the_third_level(house: House, status: Status) -> None:
    admin = house.login(status()["demo"]["admin"])
    policy = admin.post(
        "/api/v1/policies/",
        {"name": "Falls at night", "region": "tashkent", "types": ["fall"], "steps": STEPS, "repeat_s": 15},
    )
    try:
        _walk(house)
    finally:
        with suppress(ValueError):  # the answer is empty, which is no JSON
            admin.send("DELETE", f"/api/v1/policies/{policy['id']}/")
    assert policy["id"] not in [each["id"] for each in admin.get("/api/v1/policies/")]


def _walk(house: House) -> None:
    wearer, watch = house.new_wearer()
    wearer.post("/api/v1/contacts/", {"name": "Malika", "phone": "+998971112233", "language": "uz"})
    with house.alerts() as desk:
        incident = watch.press(ts=int(time.time()), type="fall", lat=41.311081, lon=69.240562)["sos"]
        highest = desk.until(lambda topic, said: topic.endswith(incident) and said["level"] >= 2)
        assert highest is not None
        assert highest["state"] == "active"

        asked = _asked(house, incident)
        assert [step["level"] for step in asked[:3]] == [0, 1, 2]
        assert asked[0]["reached"]["dispatchers"]["count"] >= 1
        assert asked[1]["reached"]["guardians"] == {"count": 1, "names": ["Malika"]}
        assert asked[2]["reached"]["supervisor"]["count"] >= 1
        assert all(step["late_s"] >= 0 for step in asked)

        house.desk.post(f"/api/v1/incidents/{incident}/ack/")
        assert desk.until(lambda topic, said: topic.endswith(incident) and said["state"] == "acknowledged")
    told = len(_asked(house, incident))
    house.resolve(incident)
    assert len(_asked(house, incident)) == told
    eventually(lambda: wearer.get(f"/api/v1/incidents/{incident}/")["state"] == "resolved", "the end")


def _asked(house: House, incident: str) -> list[dict[str, Any]]:
    timeline = house.desk.get(f"/api/v1/incidents/{incident}/")["timeline"]
    return [line["detail"] for line in timeline if line["kind"] in ("asked", "escalated")]
