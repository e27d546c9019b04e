"""Codes that come with a device, and what they are good for."""

import pytest
from sqlalchemy import select

from api.devices.claims import qr_text, read_code
from db.models import DeviceClaim, User
from db.session import Database
from db.states import Role
from tests.builders import make_device, make_user
from tests.integration.api.speaking import Api, wrong_fields

CLAIM = "/api/v1/devices/claim/"


@pytest.fixture
def admin(database: Database) -> User:
    return make_user(database, Role.ADMIN)


def code_of(api: Api, admin: User, uid: str) -> str:
    answer = api.post(f"/api/v1/devices/{uid}/claim-code/", admin)
    assert answer.status_code == 201, answer.text
    assert answer.json()["claim_qr"] == qr_text(answer.json()["claim_code"])
    code: str = answer.json()["claim_code"]
    return code


def test_a_code_makes_its_finder_the_owner_once(api: Api, database: Database, admin: User) -> None:
    make_device(database, uid="boxed")
    code = code_of(api, admin, "boxed")
    finder = make_user(database)
    for _ in range(2):
        answer = api.post(CLAIM, finder, json={"code": code})
        assert (answer.status_code, answer.json()["device_uid"]) == (200, "boxed")
    late = api.post(CLAIM, make_user(database), json={"code": code})
    assert late.status_code == 422
    assert "works once" in wrong_fields(late)["code"]
    assert api.get("/api/v1/devices/boxed/", finder).status_code == 200


def test_a_code_is_kept_as_a_hash(api: Api, database: Database, admin: User) -> None:
    make_device(database, uid="boxed")
    code = code_of(api, admin, "boxed")
    with database.transaction() as session:
        kept = session.scalars(select(DeviceClaim.code_hash)).one()
    assert code not in kept
    assert code.replace("-", "") not in kept


def test_a_code_is_read_as_people_type_it_and_as_cameras_scan_it() -> None:
    bare = "7Q2MX0F19KTB"
    for text in ("7q2m-x0f1-9ktb", " 7Q2M XOFL 9KTB ", qr_text("7Q2M-X0F1-9KTB")):
        assert read_code(text) == bare
    for text in ("", "7Q2M", "7Q2M-X0F1-9KT!", "7Q2M-X0F1-9KTB-1"):
        with pytest.raises(ValueError, match="12 letters"):
            read_code(text)


def test_a_new_code_voids_the_last_and_none_is_given_for_what_has_an_owner(
    api: Api, database: Database, admin: User
) -> None:
    make_device(database, uid="boxed")
    old, new = code_of(api, admin, "boxed"), code_of(api, admin, "boxed")
    finder = make_user(database)
    assert api.post(CLAIM, finder, json={"code": old}).status_code == 422
    assert api.post(CLAIM, finder, json={"code": new}).status_code == 200
    assert api.post("/api/v1/devices/boxed/claim-code/", admin).status_code == 409


def test_who_guesses_must_wait_and_nobody_else_does(api: Api, database: Database, admin: User) -> None:
    make_device(database, uid="boxed")
    code = code_of(api, admin, "boxed")
    guesser = make_user(database)
    answers = [api.post(CLAIM, guesser, json={"code": "0000-0000-0000"}).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    assert api.post(CLAIM, guesser, json={"code": code}).status_code == 429
    assert api.post(CLAIM, make_user(database), json={"code": code}).status_code == 200


def test_a_retired_device_cannot_be_claimed(api: Api, database: Database, admin: User) -> None:
    make_device(database, uid="boxed")
    code = code_of(api, admin, "boxed")
    assert api.post("/api/v1/devices/boxed/retire/", admin).status_code == 200
    assert api.post(CLAIM, make_user(database), json={"code": code}).status_code == 422
