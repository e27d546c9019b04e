"""Codes: asked for, shown, and what they open."""

import statistics
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import func, select, text, update

from api.accounts import families
from api.app import create_app
from api.codes import flows
from api.settings import ApiSettings
from db import retention
from db.models import Code, User
from db.session import Database
from db.states import Role, UserStatus
from tests.builders import make_user
from tests.integration.api.postman import Postman
from tests.integration.api.speaking import Api, wrong_fields

EMAIL = "ann@example.org"
NEW = "a-new-long-password"
INVALID = (400, 422)  # as the contract of the path has it


@pytest.fixture
def ann(database: Database) -> User:
    """Somebody with a phone and an email address."""
    user = make_user(database, Role.CUSTOMER, name="Ann")
    with database.transaction() as session:
        session.execute(update(User).where(User.id == user.id).values(email="Ann@Example.org"))
    return user


def ask(api: Api, purpose: str, **whom: Any) -> Response:
    return api.post("/api/v1/auth/codes/", json={"purpose": purpose, **whom})


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_code_lets_its_owner_in_and_proves_the_phone(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    asked = ask(api, "login", phone_number=ann.phone)
    assert (asked.status_code, asked.json()) == (202, {"expires_in_s": 300, "again_in_s": 60})
    shown = {"phone_number": ann.phone, "code": post.code()}
    answer = api.post("/api/v1/auth/codes/login/", json=shown)
    assert answer.status_code == 200
    assert api.get("/api/v1/incidents/", answer.json()["access"]).status_code == 200
    assert api.post("/api/v1/auth/refresh/", json={"refresh": answer.json()["refresh"]}).status_code == 200
    with database.transaction() as session:
        assert session.get_one(User, ann.id).phone_verified_at is not None


def test_the_message_goes_to_the_phone_or_by_mail_in_the_owners_language(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    with database.transaction() as session:
        session.execute(update(User).values(language="uz"))
    ask(api, "login", phone_number=ann.phone)
    ask(api, "reset", email=EMAIL)
    [sms], [mail] = post.letters("sms"), post.letters("mail")
    assert (sms["to"], sms["text"], sms["language"]) == (ann.phone, "code.login", "uz")
    assert (mail["to"], mail["text"]) == (EMAIL, "code.reset")


def test_a_code_is_good_once(api: Api, ann: User, post: Postman) -> None:
    ask(api, "login", phone_number=ann.phone)
    shown = {"phone_number": ann.phone, "code": post.code()}
    assert api.post("/api/v1/auth/codes/login/", json=shown).status_code == 200
    assert api.post("/api/v1/auth/codes/login/", json=shown).status_code == 401


def test_a_code_is_good_for_five_minutes(api: Api, ann: User, post: Postman) -> None:
    ask(api, "login", phone_number=ann.phone)
    api.later(minutes=5, seconds=1)
    shown = {"phone_number": ann.phone, "code": post.code()}
    assert api.post("/api/v1/auth/codes/login/", json=shown).status_code == 401


def test_after_five_wrong_tries_the_right_code_is_wrong_too(api: Api, ann: User, post: Postman) -> None:
    ask(api, "verify", phone_number=ann.phone)
    code = post.code()
    for _ in range(5):
        wrong = api.post("/api/v1/auth/codes/verify/", json={"phone_number": ann.phone, "code": other(code)})
        assert wrong.status_code == 422
        assert set(wrong_fields(wrong)) == {"code"}
    right = api.post("/api/v1/auth/codes/verify/", json={"phone_number": ann.phone, "code": code})
    assert right.status_code == 422


def test_of_two_codes_the_later_is_good(api: Api, ann: User, post: Postman) -> None:
    ask(api, "login", phone_number=ann.phone)
    first = post.code()
    api.later(seconds=61)
    assert ask(api, "login", phone_number=ann.phone).status_code == 202
    shown = {"phone_number": ann.phone}
    answers = [api.post("/api/v1/auth/codes/login/", json=shown | {"code": c}) for c in (first, post.code())]
    assert [answer.status_code for answer in answers] == [401, 200]


def test_a_code_is_good_for_its_purpose_and_its_owner_alone(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    bob = make_user(database)
    ask(api, "verify", phone_number=ann.phone)
    code = post.code()
    ask(api, "login", phone_number=ann.phone)
    ask(api, "verify", phone_number=bob.phone)
    for path, phone in (("login", ann.phone), ("verify", bob.phone)):
        refused = api.post(f"/api/v1/auth/codes/{path}/", json={"phone_number": phone, "code": code})
        assert refused.status_code in (401, 422)


def test_the_next_code_waits_a_minute_and_an_hour_holds_five(api: Api, ann: User) -> None:
    for sent in range(5):
        assert ask(api, "login", phone_number=ann.phone).status_code == 202, sent
        refused = ask(api, "login", phone_number=ann.phone)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 61 or sent == 4
        api.later(seconds=61)
    refused = ask(api, "login", phone_number=ann.phone)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 3000
    api.later(hours=1)
    assert ask(api, "login", phone_number=ann.phone).status_code == 202


def test_limits_hold_in_another_api_process(
    api: Api, database: Database, settings: ApiSettings, ann: User
) -> None:
    assert ask(api, "login", phone_number=ann.phone).status_code == 202
    second = Api(create_app(settings, database=database))
    assert ask(second, "login", phone_number=ann.phone).status_code == 429


def test_one_address_cannot_ask_for_everybody(api: Api) -> None:
    answers = [ask(api, "login", phone_number=f"+99890{number:07d}").status_code for number in range(61)]
    assert answers == [202] * 60 + [429]


def test_a_stranger_is_answered_and_limited_the_same_and_nothing_is_sent(api: Api, post: Postman) -> None:
    stranger = {"phone_number": "+998907654321"}
    answer = ask(api, "login", **stranger)
    assert (answer.status_code, answer.json()) == (202, {"expires_in_s": 300, "again_in_s": 60})
    assert ask(api, "login", **stranger).status_code == 429
    assert post.letters("sms") == []
    # Even the right code opens nothing where nobody is.
    shown = stranger | {"code": post.code()}
    assert api.post("/api/v1/auth/codes/login/", json=shown).status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/auth/codes/login/", "/api/v1/auth/codes/verify/"])
def test_a_wrong_code_and_a_stranger_are_told_the_same(api: Api, ann: User, post: Postman, path: str) -> None:
    purpose = path.split("/")[-2]
    ask(api, purpose, phone_number=ann.phone)
    wrong = api.post(path, json={"phone_number": ann.phone, "code": other(post.code())})
    ask(api, purpose, phone_number="+998907654321")
    strange = api.post(path, json={"phone_number": "+998907654321", "code": post.code()})
    never_asked = api.post(path, json={"phone_number": "+998907654322", "code": "123456"})
    assert wrong.status_code in (401, 422)
    assert len({(answer.status_code, answer.text) for answer in (wrong, strange, never_asked)}) == 1


def test_who_is_blocked_gets_no_code(api: Api, database: Database, ann: User, post: Postman) -> None:
    with database.transaction() as session:
        session.execute(update(User).values(status=UserStatus.BLOCKED))
    assert ask(api, "reset", phone_number=ann.phone).status_code == 202
    assert post.letters("sms") == []


def test_the_answer_takes_the_same_time_for_strangers(api: Api, database: Database) -> None:
    known = [make_user(database).phone for _ in range(25)]
    took: dict[bool, list[float]] = {True: [], False: []}
    for number, phone in enumerate(known):
        for is_known, asked in ((True, phone), (False, f"+99891{number:07d}")):
            start = time.perf_counter()
            assert ask(api, "login", phone_number=asked).status_code == 202
            took[is_known].append(time.perf_counter() - start)
    ratio = statistics.median(took[True]) / statistics.median(took[False])
    assert 0.5 < ratio < 2


def test_a_dump_of_the_database_shows_no_code(api: Api, database: Database, ann: User, post: Postman) -> None:
    ask(api, "login", phone_number=ann.phone)
    code = post.code()
    with database.transaction() as session:
        rows = [
            str(row[0])
            for table in ("codes", "notifications")
            for row in session.execute(text(f"SELECT to_jsonb(t) - 'created_at' - 'due_at' FROM {table} t"))
        ]
        kept = session.scalars(select(Code.code_hash)).one()
    assert not any(code in row.replace(kept, "") for row in rows)
    assert not any(ann.phone in row for row in rows[1:] if ann.phone)


def test_two_requests_at_once_send_one_code(api: Api, database: Database, ann: User) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: ask(api, "login", phone_number=ann.phone), range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 429, 429, 429]
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Code)) == 1


def test_a_reset_sets_the_password_and_ends_every_login(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    with database.transaction() as session:
        before = families.start(session, ann.id, uuid.uuid4(), at=api.now())
    assert api.post("/api/auth/password-reset/", json={"email": EMAIL.upper()}).status_code == 200
    confirmed = {
        "email": EMAIL,
        "code": post.code(),
        "new_password": NEW,
        "new_password_confirm": NEW,
    }
    assert api.post("/api/auth/password-reset/confirm/", json=confirmed).status_code == 200
    assert api.post("/api/v1/auth/refresh/", json={"refresh": before}).status_code == 401
    login = {"phone_number": ann.phone, "password": NEW}
    assert api.post("/api/v1/auth/login/", json=login).status_code == 200
    with database.transaction() as session:
        assert session.get_one(User, ann.id).email_verified_at is not None


def test_a_refused_reset_changes_nothing(api: Api, database: Database, ann: User, post: Postman) -> None:
    api.post("/api/auth/password-reset/", json={"email": EMAIL})
    said = {"email": EMAIL, "code": post.code(), "new_password": NEW, "new_password_confirm": NEW}
    for wrong, field in (
        ({"code": other(said["code"])}, "code"),
        ({"code": "12"}, "code"),
        ({"new_password": "short"}, "new_password"),
        ({"new_password_confirm": "another"}, "new_password_confirm"),
    ):
        refused = api.post("/api/auth/password-reset/confirm/", json=said | wrong)
        assert refused.status_code in INVALID
        assert set(wrong_fields(refused)) == {field}
    with database.transaction() as session:
        assert session.get_one(User, ann.id).password_hash is None
    assert api.post("/api/auth/password-reset/confirm/", json=said).status_code == 200


def test_who_guesses_codes_for_a_reset_has_to_wait_before_a_password_is_hashed(
    api: Api, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def note(password: str) -> str:
        hashed.append(password)
        return ""

    monkeypatch.setattr(flows, "hash_password", note)
    said = {"phone_number": ann.phone, "code": "123456", "new_password": NEW}
    answers = [api.post("/api/v1/auth/codes/reset/", json=said).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    assert hashed == [NEW] * 10


def test_the_reset_in_one_path_asks_for_the_code_from_the_phone(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    said = {"phone_number": ann.phone, "new_password": NEW}
    assert api.post("/api/v1/auth/password/reset/", json=said).status_code == 202
    with database.transaction() as session:
        assert session.get_one(User, ann.id).password_hash is None
    assert (
        api.post("/api/v1/auth/password/reset/", json=said | {"code": other(post.code())}).status_code == 422
    )
    assert api.post("/api/v1/auth/password/reset/", json=said | {"code": post.code()}).status_code == 200
    login = {"phone_number": ann.phone, "password": NEW}
    assert api.post("/api/v1/auth/login/", json=login).status_code == 200


def test_the_phone_login_gives_tokens_and_the_person(api: Api, ann: User, post: Postman) -> None:
    assert api.post("/api/auth/phone-login/", json={"phone": ann.phone, "more": 1}).status_code == 200
    answer = api.post("/api/auth/verify-otp/", json={"phone": ann.phone, "code": int(post.code())})
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh", "user"}
    assert answer.json()["user"]["uuid"] == str(ann.uuid)
    assert api.get("/api/v1/incidents/", answer.json()["access"]).status_code == 200


def test_a_code_proves_phone_and_mail_as_documented(
    api: Api, database: Database, ann: User, post: Postman
) -> None:
    sent = api.post("/api/auth/resend-verification/", json={"phone_number": ann.phone, "email": EMAIL})
    assert sent.status_code == 200
    [sms], [mail] = post.letters("sms"), post.letters("mail")
    by_phone = {"phone_number": ann.phone, "code": sms["values"]["code"]}
    assert api.post("/api/auth/verify-phone/", json=by_phone).status_code == 200
    by_mail = {"email": EMAIL, "code": mail["values"]["code"]}
    assert api.post("/api/auth/verify-email/", json=by_mail).status_code == 200
    with database.transaction() as session:
        proven = session.get_one(User, ann.id)
        assert proven.phone_verified_at is not None
        assert proven.email_verified_at is not None


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("/api/v1/auth/codes/", {"purpose": "login"}, {"email"}),
        ("/api/v1/auth/codes/", {"purpose": "x", "email": "no"}, {"purpose", "email"}),
        ("/api/v1/auth/codes/", {"purpose": "login", "email": EMAIL, "more": 1}, {"more"}),
        (
            "/api/v1/auth/codes/",
            {"purpose": "login", "email": EMAIL, "phone_number": "+998901234567"},
            {"email"},
        ),
        ("/api/v1/auth/codes/verify/", {"email": EMAIL, "code": "12345x"}, {"code"}),
        ("/api/v1/auth/codes/reset/", {"email": EMAIL, "code": "123456"}, {"new_password"}),
        ("/api/auth/resend-verification/", {}, {"email"}),
        ("/api/auth/verify-email/", {"email": "a\r\n@b.org", "code": True}, {"email", "code"}),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_sent(
    api: Api, post: Postman, path: str, body: dict[str, Any], wrong: set[str]
) -> None:
    answer = api.post(path, json=body)
    assert answer.status_code in INVALID
    assert set(wrong_fields(answer)) == wrong
    assert post.letters() == []


def test_codes_of_the_day_before_yesterday_are_cleared_away(api: Api, database: Database, ann: User) -> None:
    ask(api, "login", phone_number=ann.phone)
    api.later(days=1)
    assert retention.prune(database, at=api.now())["codes"] == 0
    api.later(days=2)
    assert retention.prune(database, at=api.now())["codes"] == 1
