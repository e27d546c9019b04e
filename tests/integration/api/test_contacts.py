"""One's own guardians over HTTP."""

from typing import Any

import pytest

from db.models import User
from db.session import Database
from db.states import Role
from tests.builders import make_user
from tests.integration.api.speaking import Api, wrong_fields

PATH = "/api/v1/contacts/"


@pytest.fixture
def wearer(database: Database) -> User:
    return make_user(database)


def create(api: Api, by: User, name: str = "Malika", **said: Any) -> dict[str, Any]:
    answer = api.post(PATH, by, json={"name": name} | (said or {"phone": "+998 90 765-43-21"}))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_wearer_names_shows_changes_and_removes_a_guardian(api: Api, wearer: User) -> None:
    made = create(api, wearer, phone="+998 90 765-43-21", language="uz", rank=2)
    assert (made["phone"], made["email"], made["language"], made["rank"]) == ("+998907654321", None, "uz", 2)
    path = f"{PATH}{made['id']}/"
    assert api.get(path, wearer).json() == made
    changed = api.call("PUT", path, wearer, json={"name": "Lola", "email": "Lola@Example.org"}).json()
    assert (changed["name"], changed["phone"], changed["email"]) == ("Lola", None, "lola@example.org")
    assert api.call("DELETE", path, wearer).status_code == 204
    assert api.get(PATH, wearer).json() == []


def test_the_first_to_be_told_stands_first(api: Api, wearer: User) -> None:
    for rank, name in ((5, "Late"), (0, "Early"), (1, "Then")):
        create(api, wearer, name, email=f"{name}@example.org", rank=rank)
    assert [each["name"] for each in api.get(PATH, wearer).json()] == ["Early", "Then", "Late"]


def test_a_guardian_can_be_reached(api: Api, wearer: User) -> None:
    answer = api.post(PATH, wearer, json={"name": "Malika"})
    assert answer.status_code == 422
    assert "phone or email is required" in answer.text


def test_every_wrong_field_is_named(api: Api, wearer: User) -> None:
    body = {
        "name": " ",
        "phone": "112",
        "email": "nobody",
        "language": "Klingon!",
        "rank": -1,
        "is": "mother",
    }
    answer = api.post(PATH, wearer, json=body)
    assert answer.status_code == 422
    assert set(wrong_fields(answer)) == set(body)


def test_ten_are_enough(api: Api, wearer: User) -> None:
    for number in range(10):
        create(api, wearer, phone=f"+99890111220{number}")
    answer = api.post(PATH, wearer, json={"name": "More", "phone": "+998901112299"})
    assert answer.status_code == 409
    assert "remove one first" in answer.json()["detail"]


def test_nobody_is_named_twice(api: Api, wearer: User, database: Database) -> None:
    made = create(api, wearer, phone="+998901112200", email="malika@example.org")
    for twice in ({"phone": "+998901112200"}, {"email": "MALIKA@example.org"}):
        answer = api.post(PATH, wearer, json={"name": "Again"} | twice)
        assert (answer.status_code, list(wrong_fields(answer))) == (409, list(twice))
    same = {"name": "Malika K.", "phone": "+998901112200", "email": "malika@example.org"}
    assert api.call("PUT", f"{PATH}{made['id']}/", wearer, json=same).status_code == 200
    create(api, make_user(database), phone="+998901112200")  # of another wearer they may be one as well


def test_anothers_guardians_are_nobodys_business(api: Api, wearer: User, database: Database) -> None:
    path = f"{PATH}{create(api, wearer)['id']}/"
    for other in (make_user(database), make_user(database, Role.ADMIN)):
        assert api.get(path, other).status_code == 404
        assert api.call("PUT", path, other, json={"name": "X", "phone": "+998901112200"}).status_code == 404
        assert api.call("DELETE", path, other).status_code == 404
        assert api.get(PATH, other).json() == []
