"""Looking into the quarantine."""

import base64
from datetime import timedelta

from db.models import QuarantinedFrame
from db.session import Database
from db.states import Role
from tests.builders import NOON, make_user
from tests.integration.api.speaking import Api, wrong_fields


def keep(database: Database, uid: str | None, minute: int, payload: bytes = b"\xff") -> None:
    with database.transaction() as session:
        session.add(
            QuarantinedFrame(
                received_at=NOON + timedelta(minutes=minute),
                lane="sos",
                topic=f"mayday/v1/dev/{uid}/sos",
                uid=uid,
                reason="neither JSON nor CBOR",
                payload=payload,
                text=None,
            )
        )


def test_an_admin_reads_what_nobody_could_read_newest_first(api: Api, database: Database) -> None:
    admin = make_user(database, Role.ADMIN)
    keep(database, "watch-1", 0, b"\xff\x00")
    keep(database, "watch-2", 1)
    first = api.get("/api/v1/quarantine/?limit=1", admin).json()
    second = api.get("/api/v1/quarantine/", admin, params={"limit": 1, "cursor": first["next"]}).json()
    assert [page["items"][0]["uid"] for page in (first, second)] == ["watch-2", "watch-1"]
    assert second["next"] is None
    assert base64.b64decode(second["items"][0]["payload_base64"]) == b"\xff\x00"
    assert second["items"][0]["reason"] == "neither JSON nor CBOR"


def test_the_quarantine_can_be_narrowed_to_a_device(api: Api, database: Database) -> None:
    admin = make_user(database, Role.ADMIN)
    for minute, uid in enumerate(["watch-1", "watch-2", None]):
        keep(database, uid, minute)
    items = api.get("/api/v1/quarantine/?uid=watch-1", admin).json()["items"]
    assert [each["uid"] for each in items] == ["watch-1"]


def test_a_wrong_question_is_named(api: Api, database: Database) -> None:
    answer = api.get("/api/v1/quarantine/?device=watch-1", make_user(database, Role.ADMIN))
    assert list(wrong_fields(answer)) == ["device"]
