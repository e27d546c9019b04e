"""What a registration has sent, and how often one may register."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select, text

from api.accounts import service
from api.accounts.tries import Tries
from api.codes import rules
from api.codes import service as codes
from api.codes.service import Keys
from api.settings import ApiSettings
from db.models import Code, User
from db.session import Database
from db.states import CodePurpose
from tests.integration.api.postman import Postman
from tests.integration.api.speaking import Api
from tests.servers import eventually

PHONE, EMAIL, PASSWORD = "+998901234567", "ann@example.org", "someStrongPassword123"
MDD = {"phone_number": PHONE, "full_name": "Ann", "password": PASSWORD, "password2": PASSWORD}
EVACUATOR = {"phone": PHONE, "email": EMAIL, "password": PASSWORD, "password_confirm": PASSWORD}
DEPANNINI = {
    "phone_number": PHONE,
    "email": EMAIL,
    "name": "Ann",
    "password": PASSWORD,
    "password_confirm": PASSWORD,
    "user_type": "client",
}
CATALYST = {"email": EMAIL, "password": PASSWORD}
OURS, THEIRS, CATALYSTS = "/api/v1/auth/register/", "/api/auth/register/", "/api/users/register/"
VERIFY = "/api/v1/auth/codes/verify/"


def register(api: Api, path: str, body: dict[str, Any]) -> None:
    answer = api.post(path, json=body)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        (OURS, MDD, {("sms", PHONE)}),
        (OURS, EVACUATOR, {("sms", PHONE)}),
        (THEIRS, DEPANNINI, {("sms", PHONE), ("mail", EMAIL)}),
        (THEIRS, DEPANNINI | {"email": ""}, {("sms", PHONE)}),
        (CATALYSTS, CATALYST, set()),
    ],
    ids=["mdd", "evacuator", "depannini", "depannini without email", "catalyst"],
)
def test_who_registers_is_sent_a_code_wherever_the_contract_lets_it_be_shown(
    api: Api, post: Postman, path: str, body: dict[str, Any], told: set[tuple[str, str]]
) -> None:
    register(api, path, body)
    letters = [(channel, letter) for channel in ("sms", "mail") for letter in post.letters(channel)]
    assert {(channel, letter["to"]) for channel, letter in letters} == told
    assert {letter["text"] for _, letter in letters} <= {"code.verify"}
    assert len(post.letters()) == len(told)


def test_the_first_codes_prove_phone_and_email(api: Api, database: Database, post: Postman) -> None:
    register(api, THEIRS, DEPANNINI)
    by_phone = {"phone_number": PHONE, "code": post.code("sms")}
    assert api.post("/api/auth/verify-phone/", json=by_phone).status_code == 200
    by_mail = {"email": EMAIL, "code": post.code("mail")}
    assert api.post("/api/auth/verify-email/", json=by_mail).status_code == 200
    with database.transaction() as session:
        ann = session.scalars(select(User)).one()
    assert ann.phone_verified_at is not None
    assert ann.email_verified_at is not None


def test_who_cannot_register_is_sent_nothing(api: Api, post: Postman) -> None:
    register(api, CATALYSTS, CATALYST)
    assert api.post(THEIRS, json=DEPANNINI).status_code == 409
    assert api.post(OURS, json=MDD | {"password2": "another"}).status_code == 422
    assert post.letters() == []


def test_the_first_code_counts_as_any_other(api: Api) -> None:
    register(api, OURS, MDD)
    again = {"purpose": "verify", "phone_number": PHONE}
    assert api.post("/api/v1/auth/codes/", json=again).status_code == 429
    api.later(minutes=1, seconds=1)
    assert api.post("/api/v1/auth/codes/", json=again).status_code == 202


def number_was_asked_for(api: Api) -> None:
    answer = api.post("/api/v1/auth/codes/", json={"purpose": "verify", "phone_number": PHONE})
    assert answer.status_code == 202


def address_asked_for_many(api: Api) -> None:
    database: Database = api.app.state.database
    with database.transaction() as session:
        for number in range(rules.PER_ADDRESS[0].most):
            session.add(
                Code(
                    purpose="verify",
                    subject=f"+99891{number:07d}",
                    code_hash="",
                    address="testclient",
                    created_at=api.now(),
                    expires_at=api.now(),
                )
            )


@pytest.mark.parametrize("used_up", [number_was_asked_for, address_asked_for_many])
def test_a_limit_costs_the_code_and_not_the_registration(
    api: Api, post: Postman, used_up: Callable[[Api], None]
) -> None:
    used_up(api)
    register(api, OURS, MDD)
    assert post.letters("sms") == []
    api.later(hours=1)
    assert api.post("/api/v1/auth/codes/", json={"purpose": "verify", "phone_number": PHONE}).is_success
    shown = {"phone_number": PHONE, "code": post.code("sms")}
    assert api.post(VERIFY, json=shown).status_code == 200


def test_a_registration_and_a_request_for_its_code_never_wait_for_each_other(
    api: Api, database: Database, settings: ApiSettings
) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")

    def registration_waits() -> bool:
        with database.transaction() as session:
            return bool(session.scalar(waiting) == 1)

    with ThreadPoolExecutor(1) as thread:
        with database.transaction() as session:
            session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"code:{EMAIL}", 0))))
            registering = thread.submit(api.post, THEIRS, json=DEPANNINI)
            eventually(registration_waits, "the registration to wait for the limits of the email")
            keys = Keys.of(settings)
            codes.send(session, CodePurpose.RESET, EMAIL, keys=keys, address="testclient", at=api.now())
        assert registering.result().status_code == 201


WAYS = [(OURS, MDD), (OURS, EVACUATOR), (THEIRS, DEPANNINI), (CATALYSTS, CATALYST)]


@pytest.mark.parametrize(("path", "body"), WAYS)
def test_one_address_may_register_so_many_and_no_password_is_hashed_beyond(
    api: Api, database: Database, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any]
) -> None:
    tries = Tries(database)
    for number in range(100):
        tries.spend(f"account {number}", "testclient", at=api.now())
    hashed: list[str] = []
    monkeypatch.setattr(service, "hash_password", hashed.append)
    answer = api.post(path, json=body)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert hashed == []


def test_a_registration_that_went_well_is_counted(api: Api, database: Database) -> None:
    tries = Tries(database)
    for number in range(99):
        tries.spend(f"account {number}", "testclient", at=api.now())
    register(api, OURS, MDD)
    assert api.post(OURS, json=MDD | {"phone_number": "+998907654321"}).status_code == 429
