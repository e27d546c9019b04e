"""Another email in place of one's own: whoever found a token cannot have the password sent elsewhere."""

from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import update

from api.accounts.passwords import hash_password
from db.models import User
from db.session import Database
from tests.builders import make_user
from tests.integration.api.postman import Postman
from tests.integration.api.speaking import Api, wrong_fields

PASSWORD = "correct-horse"
HASH = hash_password(PASSWORD)
ME, VERIFY = "/api/v1/auth/me/", "/api/v1/auth/codes/"
OLD, NEW = "ann@example.org", "ann@example.com"


def change(database: Database, user: User, **values: Any) -> None:
    with database.transaction() as session:
        session.execute(update(User).where(User.id == user.id).values(**values))


@pytest.fixture
def ann(database: Database) -> User:
    """Somebody with a phone, an email and a password."""
    user = make_user(database, name="Ann")
    change(database, user, password_hash=HASH, language="ru", email=OLD)
    return user


def patch(api: Api, by: User, email: str | None = NEW, **more: str) -> Response:
    return api.call("PATCH", ME, by, json={"email": email} | more)


def email_of(api: Api, user: User) -> str | None:
    email: str | None = api.get(ME, user).json()["email"]
    return email


@pytest.mark.parametrize("email", [NEW, None])
def test_a_token_alone_does_not_change_the_email_nor_anything_beside_it(
    api: Api, ann: User, post: Postman, email: str | None
) -> None:
    answer = patch(api, ann, email, language="uz")
    assert answer.status_code == 422
    assert wrong_fields(answer) == {"password": "is required for another email, or code in its place"}
    assert patch(api, ann, email, password="wrong").status_code == 422
    assert patch(api, ann, email, code="123456").status_code == 422
    me = api.get(ME, ann).json()
    assert (me["email"], me["language"]) == (OLD, "ru")
    assert post.letters() == []


@pytest.mark.parametrize("email", [NEW, None])
def test_with_the_password_it_changes_and_the_former_address_is_told(
    api: Api, ann: User, post: Postman, email: str | None
) -> None:
    answer = patch(api, ann, email, password=PASSWORD)
    assert answer.status_code == 200, answer.text
    assert answer.json() == api.get(ME, ann).json()
    assert answer.json()["email"] == email
    [told] = post.letters()
    assert (told["to"], told["text"], told["language"]) == (OLD, "email.changed", "ru")


def test_a_code_to_the_present_number_takes_the_place_of_the_password(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    change(database, ann, password_hash=None)
    assert "password" in wrong_fields(patch(api, ann, password=PASSWORD))
    api.post(VERIFY, json={"purpose": "verify", "phone_number": ann.phone})
    code = post.code()
    assert patch(api, ann, code=code).status_code == 200
    assert wrong_fields(patch(api, ann, "ann@example.net", code=code)).keys() == {"code"}
    assert email_of(api, ann) == NEW


def test_a_code_to_the_email_does_not_move_the_email_of_who_has_a_number(
    api: Api, ann: User, post: Postman
) -> None:
    api.post(VERIFY, json={"purpose": "verify", "email": OLD})
    assert patch(api, ann, code=post.code()).status_code == 422
    assert email_of(api, ann) == OLD


def test_who_has_no_number_shows_a_code_that_came_by_mail(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    change(database, ann, phone=None, password_hash=None)
    api.post(VERIFY, json={"purpose": "verify", "email": OLD})
    assert patch(api, ann, code=post.code()).status_code == 200


def test_what_stays_as_it_is_needs_no_proof(api: Api, ann: User, post: Postman) -> None:
    assert patch(api, ann, OLD, language="uz").json()["language"] == "uz"
    assert post.letters() == []


def test_guessing_the_password_has_to_wait_here_as_with_the_phone_number(api: Api, ann: User) -> None:
    answers = [patch(api, ann, password=f"guess {number}").status_code for number in range(9)]
    asked = {"phone_number": "+998977654321", "password": "guess"}
    answers.append(api.post(f"{ME}phone/", ann, json=asked).status_code)
    assert answers == [422] * 10
    assert patch(api, ann, password=PASSWORD).status_code == 429


def test_an_email_that_changes_has_to_be_verified_anew(api: Api, ann: User, post: Postman) -> None:
    for email in (NEW, OLD):
        assert not patch(api, ann, email, password=PASSWORD).json()["email_verified"]
        api.post(VERIFY, json={"purpose": "verify", "email": email})
        api.post("/api/v1/auth/codes/verify/", json={"email": email, "code": post.code()})
        assert api.get(ME, ann).json()["email_verified"]


def test_an_email_is_one_persons_however_it_is_written_and_a_refusal_uses_up_no_code(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    bob = make_user(database, name="Bob")
    api.post(VERIFY, json={"purpose": "verify", "phone_number": bob.phone})
    code = post.code()
    answer = patch(api, bob, OLD.upper(), code=code)
    assert answer.status_code == 409
    assert list(wrong_fields(answer)) == ["email"]
    assert patch(api, bob, "bob@example.org", code=code).status_code == 200


def test_both_proofs_are_one_too_many(api: Api, ann: User) -> None:
    answer = patch(api, ann, password=PASSWORD, code="123456")
    assert (answer.status_code, set(wrong_fields(answer))) == (422, {"code"})
