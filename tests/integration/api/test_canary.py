"""What staff see of the calls that nobody made, and who sees nothing of them."""

from datetime import timedelta

import pytest

from db.models import CanaryCall, Incident
from db.session import Database
from db.states import Role
from tests.builders import make_device, make_user, report
from tests.integration.api.speaking import Api

MS = timedelta(milliseconds=1)
CANARY = "/api/v1/system/canary/"


def test_figures_are_of_the_last_day_and_the_last_calls_come_first(api: Api, database: Database) -> None:
    now = api.now()
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        for number in range(1, 5):
            sent_at = now - timedelta(minutes=10 - number)
            session.add(
                CanaryCall(
                    sent_at=sent_at,
                    stored_at=sent_at + 5 * MS,
                    acknowledged_at=sent_at + 10 * number * MS,
                    alerted_at=None if number == 4 else sent_at + 20 * number * MS,
                    trouble="acknowledged, but not on the alert topic" if number == 4 else None,
                )
            )
        session.add(CanaryCall(sent_at=now - timedelta(days=2), trouble="the device got no answer"))
    said = api.get(f"{CANARY}?limit=2", desk).json()
    assert (said["calls"], said["troubled"]) == (4, 1)
    assert said["acknowledged"] == {"p50_ms": 25.0, "p95_ms": 38.5}
    assert said["alerted"] == {"p50_ms": 40.0, "p95_ms": 58.0}
    assert said["telemetry"] == {"p50_ms": None, "p95_ms": None}
    assert [call["acknowledged_ms"] for call in said["last"]] == [40.0, 30.0]


def test_without_a_call_there_are_no_figures(api: Api, database: Database) -> None:
    said = api.get(CANARY, make_user(database, Role.ADMIN)).json()
    assert (said["calls"], said["last"]) == (0, [])
    assert said["alerted"] == {"p50_ms": None, "p95_ms": None}


@pytest.mark.parametrize("limit", ["0", "201", "x"])
def test_a_limit_that_is_none_is_refused(api: Api, database: Database, limit: str) -> None:
    assert api.get(f"{CANARY}?limit={limit}", make_user(database, Role.ADMIN)).status_code == 422


def test_lists_show_calls_that_nobody_made_only_to_who_asks_for_them(api: Api, database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    real = report(database, make_device(database)).incident_id
    canary = report(database, make_device(database)).incident_id
    with database.transaction() as session:
        session.get_one(Incident, canary).canary = True

    def listed(query: str) -> list[str]:
        return [each["id"] for each in api.get(f"/api/v1/incidents/{query}", desk).json()["items"]]

    assert listed("") == [str(real)]
    assert listed("?canary=true") == [str(canary)]
