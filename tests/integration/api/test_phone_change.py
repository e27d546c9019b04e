"""Another phone number in place of one's own."""

from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import update

from api.accounts.passwords import hash_password
from api.people import owners
from db.models import User
from db.session import Database
from tests.builders import make_user
from tests.integration.api.postman import Postman
from tests.integration.api.speaking import Api, Login, log_in, wrong_fields

PASSWORD = "correct-horse"
HASH = hash_password(PASSWORD)
ASK, CONFIRM, ME = "/api/v1/auth/me/phone/", "/api/v1/auth/me/phone/confirm/", "/api/v1/auth/me/"
NEW = "+998977654321"


def change(database: Database, user: User, **values: Any) -> None:
    with database.transaction() as session:
        session.execute(update(User).where(User.id == user.id).values(**values))


@pytest.fixture
def ann(database: Database) -> User:
    """Somebody with a phone and a password."""
    user = make_user(database, name="Ann")
    change(database, user, password_hash=HASH, language="ru")
    return user


@pytest.fixture
def login(api: Api, database: Database, ann: User) -> Login:
    return log_in(api, database, ann)


def ask(api: Api, by: User | str, phone: str = NEW, **proof: str) -> Response:
    return api.post(ASK, by, json={"phone_number": phone} | (proof or {"password": PASSWORD}))


def confirm(api: Api, by: User | str, code: str, phone: str = NEW) -> Response:
    return api.post(CONFIRM, by, json={"phone_number": phone, "code": code})


def phone_of(api: Api, user: User) -> str:
    phone: str = api.get(ME, user).json()["phone_number"]
    return phone


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_number_changes_when_the_new_one_has_shown_its_code(api: Api, ann: User, post: Postman) -> None:
    asked = ask(api, ann)
    assert (asked.status_code, asked.json()) == (202, {"expires_in_s": 300, "again_in_s": 60})
    [letter] = post.letters("sms")
    assert (letter["to"], letter["text"], letter["language"]) == (NEW, "code.verify", "ru")
    assert phone_of(api, ann) == ann.phone
    answer = confirm(api, ann, post.code())
    assert answer.status_code == 200, answer.text
    assert answer.json() == api.get(ME, ann).json()
    assert (answer.json()["phone_number"], answer.json()["phone_verified"]) == (NEW, True)


def test_the_former_number_is_told_and_not_the_whole_of_the_new_one(
    api: Api, ann: User, post: Postman
) -> None:
    ask(api, ann)
    confirm(api, ann, post.code())
    told = post.letters("sms")[-1]
    assert (told["to"], told["text"], told["language"]) == (ann.phone, "phone.changed", "ru")
    assert told["values"] == {"ending": "21"}


def test_logins_go_on_and_the_next_is_by_the_new_number(
    api: Api, ann: User, login: Login, post: Postman
) -> None:
    ask(api, login.access)
    confirm(api, login.access, post.code())
    assert api.get(ME, login.access).status_code == 200
    assert api.post("/api/v1/auth/refresh/", json={"refresh": login.refresh}).status_code == 200
    for phone, status in ((NEW, 200), (ann.phone, 401)):
        said = {"phone_number": phone, "password": PASSWORD}
        assert api.post("/api/v1/auth/login/", json=said).status_code == status


def test_codes_that_the_former_number_was_sent_open_nothing_any_more(
    api: Api, ann: User, post: Postman
) -> None:
    api.post("/api/v1/auth/codes/", json={"purpose": "login", "phone_number": ann.phone})
    before = post.code()
    ask(api, ann)
    confirm(api, ann, post.code())
    said = {"phone_number": ann.phone, "code": before}
    assert api.post("/api/v1/auth/codes/login/", json=said).status_code == 401


def test_without_the_password_nothing_is_sent(api: Api, ann: User, post: Postman) -> None:
    answer = ask(api, ann, password="wrong")
    assert answer.status_code == 422
    assert set(wrong_fields(answer)) == {"password"}
    assert post.letters() == []


def test_guessing_the_password_has_to_wait_before_any_is_hashed(
    api: Api, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    def compare(password: str, stored_hash: str | None) -> bool:
        compared.append(password)
        return False

    monkeypatch.setattr(owners, "is_right", compare)
    answers = [ask(api, ann, password=f"guess {number}").status_code for number in range(11)]
    assert answers == [422] * 10 + [429]
    assert len(compared) == 10


def test_a_code_to_the_present_number_takes_the_place_of_the_password(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    change(database, ann, password_hash=None)
    assert "password" in wrong_fields(ask(api, ann, password=PASSWORD))
    api.post("/api/v1/auth/codes/", json={"purpose": "verify", "phone_number": ann.phone})
    code = post.code()
    refused = ask(api, ann, code=other(code))
    assert refused.status_code == 422
    assert set(wrong_fields(refused)) == {"code"}
    assert ask(api, ann, code=code).status_code == 202
    assert ask(api, ann, "+998977654322", code=code).status_code == 422
    assert confirm(api, ann, post.code()).status_code == 200


def test_who_has_no_number_yet_shows_a_code_that_came_by_mail(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    change(database, ann, phone=None, password_hash=None, email="ann@example.org")
    api.post("/api/v1/auth/codes/", json={"purpose": "verify", "email": "ann@example.org"})
    assert ask(api, ann, code=post.code("mail")).status_code == 202
    assert confirm(api, ann, post.code("sms")).status_code == 200
    assert [letter["text"] for letter in post.letters("sms")] == ["code.verify"]


def test_a_limit_on_the_new_number_uses_up_no_code(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    api.post("/api/v1/auth/codes/", json={"purpose": "verify", "phone_number": NEW})
    api.post("/api/v1/auth/codes/", json={"purpose": "verify", "phone_number": ann.phone})
    code = post.code()
    assert ask(api, ann, code=code).status_code == 429
    api.later(seconds=61)
    assert ask(api, ann, code=code).status_code == 202


def test_a_number_of_somebody_else_is_told_to_who_shows_its_code_and_to_nobody_before(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    bob = make_user(database, name="Bob")
    assert bob.phone is not None
    free, taken = ask(api, ann), ask(api, ann, bob.phone)
    assert (taken.status_code, taken.json()) == (free.status_code, free.json())
    code = post.code()
    for _ in range(2):  # the code stays good
        answer = confirm(api, ann, code, bob.phone)
        assert answer.status_code == 409
        assert list(wrong_fields(answer)) == ["phone_number"]
        assert answer.json()["code"] == "taken"
    assert (phone_of(api, ann), phone_of(api, bob)) == (ann.phone, bob.phone)
    change(database, bob, phone=None)
    assert confirm(api, ann, code, bob.phone).status_code == 200


def test_a_code_is_of_no_use_to_another_nor_for_anything_else(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    bob = make_user(database, name="Bob")
    ask(api, ann)
    code = post.code()
    assert confirm(api, bob, code).status_code == 422
    said = {"phone_number": NEW, "code": code}
    assert api.post("/api/v1/auth/codes/verify/", json=said).status_code == 422
    assert api.post("/api/v1/auth/codes/login/", json=said).status_code == 401
    assert confirm(api, ann, code).status_code == 200


def test_a_code_that_proves_a_number_to_its_owner_does_not_move_it_to_another(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    bob = make_user(database, name="Bob")
    api.post("/api/v1/auth/codes/", json={"purpose": "verify", "phone_number": bob.phone})
    assert bob.phone is not None
    assert confirm(api, ann, post.code(), bob.phone).status_code == 422


def test_a_wrong_code_counts_and_after_five_the_right_one_is_wrong_too(
    api: Api, ann: User, post: Postman
) -> None:
    ask(api, ann)
    code = post.code()
    for _ in range(5):
        answer = confirm(api, ann, other(code))
        assert (answer.status_code, set(wrong_fields(answer))) == (422, {"code"})
    assert confirm(api, ann, code).status_code == 422
    assert phone_of(api, ann) == ann.phone


def test_a_code_is_good_for_five_minutes_and_once(api: Api, ann: User, post: Postman) -> None:
    ask(api, ann)
    api.later(minutes=5, seconds=1)
    assert confirm(api, ann, post.code()).status_code == 422
    ask(api, ann)
    code = post.code()
    assert confirm(api, ann, code).status_code == 200
    assert confirm(api, ann, code).status_code == 422


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"phone_number": NEW}, {"code"}),
        ({"phone_number": NEW, "password": PASSWORD, "code": "123456"}, {"code"}),
        ({"phone_number": "0977654321", "password": PASSWORD}, {"phone_number"}),
        ({"phone_number": NEW, "password": PASSWORD, "role": "admin"}, {"role"}),
    ],
)
def test_each_wrong_field_is_named(
    api: Api, ann: User, post: Postman, said: dict[str, str], wrong: set[str]
) -> None:
    answer = api.post(ASK, ann, json=said)
    assert answer.status_code == 422
    assert set(wrong_fields(answer)) == wrong
    assert post.letters() == []


def test_ones_own_number_is_not_changed_into_itself(api: Api, ann: User, post: Postman) -> None:
    assert ann.phone is not None
    answer = ask(api, ann, ann.phone)
    assert wrong_fields(answer) == {"phone_number": "is yours already"}
    assert post.letters() == []
