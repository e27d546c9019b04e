"""Coming in with Google."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from sqlalchemy import func, select, update

from api.accounts.certificates import KeptCertificates
from api.accounts.google import Google
from db.models import Identity, User, UserRole
from db.session import Database
from db.states import Role, UserStatus
from tests.google import CLIENT_ID, KEY_ID, Certificates, Signing
from tests.integration.api.postman import Postman
from tests.integration.api.speaking import Api, wrong_fields

PATH = "/api/auth/login/google/"
EMAIL = "nadia@example.org"


@pytest.fixture(scope="module")
def signing() -> Signing:
    return Signing()


@pytest.fixture
def certificates(signing: Signing) -> Certificates:
    return Certificates({KEY_ID: signing.certificate()})


@pytest.fixture
def api(api: Api, certificates: Certificates) -> Api:
    """The API, set up for logins with Google."""
    api.app.state.google = Google({CLIENT_ID, "another"}, KeptCertificates(certificates))
    return api


def come_in(api: Api, token: str) -> dict[str, Any]:
    answer = api.post(PATH, json={"token": token})
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = api.get("/api/profile/user/", answer.json()["access"]).json()
    return said


def register(api: Api, email: str = EMAIL) -> int:
    body = {
        "phone_number": "+213551234567",
        "email": email,
        "name": "Nadia B.",
        "password": "someStrongPassword123",
        "password_confirm": "someStrongPassword123",
        "user_type": "client",
    }
    user: int = api.post("/api/auth/register/", json=body).json()["user"]["id"]
    return user


def verify(database: Database) -> None:
    with database.transaction() as session:
        session.execute(update(User).values(email_verified_at=datetime.now(UTC)))


def count(database: Database, of: type[Any]) -> int:
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(of)) or 0


def test_who_was_never_here_is_registered_with_a_verified_email(
    api: Api, signing: Signing, database: Database
) -> None:
    said = come_in(api, signing.token())
    assert (said["email"], said["name"], said["user_type"]) == (EMAIL, "Nadia", "client")
    with database.transaction() as session:
        assert session.scalars(select(User)).one().email_verified_at is not None


def test_what_google_has_verified_needs_no_code(api: Api, signing: Signing, post: Postman) -> None:
    come_in(api, signing.token())
    assert post.letters() == []


def test_who_comes_again_is_the_same_person_whatever_their_email_is_now(api: Api, signing: Signing) -> None:
    first = come_in(api, signing.token())
    again = come_in(api, signing.token(email="other@example.org"))
    assert again["id"] == first["id"]


def test_two_taps_are_one_registration(api: Api, signing: Signing, database: Database) -> None:
    tokens = [signing.token() for _ in range(4)]
    with ThreadPoolExecutor(len(tokens)) as taps:
        found = {said["id"] for said in taps.map(lambda token: come_in(api, token), tokens)}
    assert len(found) == count(database, User) == 1


def test_an_account_with_the_same_verified_email_is_linked(
    api: Api, signing: Signing, database: Database
) -> None:
    user = register(api, email="NADIA@example.org")
    verify(database)
    assert come_in(api, signing.token())["id"] == user
    assert count(database, Identity) == 1


def test_an_account_whose_email_was_never_verified_is_not_given_away(
    api: Api, signing: Signing, database: Database
) -> None:
    register(api)
    answer = api.post(PATH, json={"token": signing.token()})
    assert answer.status_code == 409
    assert list(wrong_fields(answer)) == ["email"]
    assert count(database, Identity) == 0


def test_a_proof_of_another_address_is_none(api: Api, signing: Signing, database: Database) -> None:
    user = register(api, email="other@example.org")
    verify(database)
    with database.transaction() as session:
        session.get_one(User, user).email = EMAIL
    assert api.post(PATH, json={"token": signing.token()}).status_code == 409


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.ADMIN])
def test_who_works_at_a_desk_comes_in_with_the_password(
    api: Api, signing: Signing, database: Database, role: Role
) -> None:
    user = come_in(api, signing.token())["id"]
    with database.transaction() as session:
        session.add(UserRole(user_id=user, role=role))
    assert api.post(PATH, json={"token": signing.token()}).status_code == 403


def test_an_account_without_a_password_cannot_be_entered_with_one(api: Api, signing: Signing) -> None:
    come_in(api, signing.token())
    answer = api.post("/api/auth/login/email/", json={"email": EMAIL, "password": ""})
    assert answer.status_code == 401


def test_who_is_blocked_stays_out(api: Api, signing: Signing, database: Database) -> None:
    come_in(api, signing.token())
    with database.transaction() as session:
        session.execute(update(User).values(status=UserStatus.BLOCKED))
    assert api.post(PATH, json={"token": signing.token()}).status_code == 403


@pytest.mark.parametrize(
    "other",
    [
        {"aud": "somebody-elses.apps.googleusercontent.com"},
        {"iss": "https://accounts.example.org"},
        {"exp": 1_600_000_000},
        {"iat": 4_000_000_000, "exp": 4_000_003_600},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": ""},
        {"email": "nobody"},
        {"email": ["nadia@example.org"]},
        {"sub": ""},
    ],
)
def test_a_token_that_does_not_speak_for_somebody_here_is_refused(
    api: Api, signing: Signing, database: Database, other: dict[str, Any]
) -> None:
    answer = api.post(PATH, json={"token": signing.token(**other)})
    assert answer.status_code == 401, answer.text
    assert count(database, User) == 0


def test_a_token_of_another_key_or_of_none_is_refused(api: Api, signing: Signing) -> None:
    good = jwt.decode(signing.token(), options={"verify_signature": False})
    shared = jwt.encode(good, "k" * 64, "HS256", headers={"kid": KEY_ID})
    unsigned = jwt.encode(good, "", "none", headers={"kid": KEY_ID})
    unknown = jwt.encode(good, signing.key, "RS256", headers={"kid": "key-2"})
    rubbish = ("", "a.b", "a.b.c", "W10.W10.W10", "bnVsbA.e30.x", "ж", "a\x00b", good["sub"])
    for token in (Signing().token(), shared, unsigned, unknown, *rubbish):
        answer = api.call("POST", PATH, json={"token": token})
        assert answer.status_code in (400, 401), (token, answer.text)


def test_google_is_not_asked_at_every_login(api: Api, signing: Signing, certificates: Certificates) -> None:
    for _ in range(3):
        come_in(api, signing.token())
    assert certificates.asked == 1


def test_while_google_cannot_be_reached_one_is_told_to_come_back(
    api: Api, signing: Signing, certificates: Certificates
) -> None:
    certificates.status = 500
    answer = api.post(PATH, json={"token": signing.token()})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


def test_where_nobody_set_it_up_it_says_so(api: Api, signing: Signing, certificates: Certificates) -> None:
    api.app.state.google = Google((), KeptCertificates(certificates))
    answer = api.post(PATH, json={"token": signing.token()})
    assert answer.status_code == 404
    assert answer.json()["detail"] == "logging in with Google is not set up here"
    assert certificates.asked == 0
