"""What customer, driver and desk say to each other, over HTTP."""

import pytest
from sqlalchemy import select

from api.idempotency import KEY, REPLAYED
from db.models import Fact, Order, OrderEvent, OrderMessage, User
from db.session import Database
from db.states import OrderState, Role
from dispatch.orders import chat
from tests.builders import make_user
from tests.integration.api.speaking import Api, wrong_fields
from tests.onlooking import make_jasur, on_its_way
from tests.ordering import advance, assign, release


@pytest.fixture
def order(api: Api, database: Database, aziza: User, jasur: User) -> Order:
    return on_its_way(database, aziza, jasur, at=api.now())


@pytest.fixture
def path(order: Order) -> str:
    return f"/api/v1/orders/{order.id}/messages/"


def texts(api: Api, path: str, by: User) -> list[str]:
    return [each["text"] for each in api.get(path, by).json()["items"]]


def test_what_one_says_the_others_read_with_who_said_it(
    api: Api, database: Database, aziza: User, jasur: User, path: str
) -> None:
    said = api.post(path, aziza, json={"text": "  By the blue gate "})
    assert said.status_code == 201
    api.post(path, jasur, json={"text": "Two minutes"})
    desk = make_user(database, Role.DISPATCHER, name="Nodira Saidova")
    api.post(path, desk, json={"text": "All well?"})
    for reader in (aziza, jasur, desk):
        items = api.get(path, reader).json()["items"]
        assert [(each["party"], each["sender"]["name"], each["text"]) for each in items] == [
            ("customer", "Aziza", "By the blue gate"),
            ("driver", "Jasur", "Two minutes"),
            ("dispatcher", "Nodira", "All well?"),
        ]
    assert items[0] == said.json()


def test_each_message_leaves_a_line_without_its_words_and_a_fact(
    api: Api, database: Database, aziza: User, path: str
) -> None:
    api.post(path, aziza, json={"text": "By the blue gate"})
    with database.transaction() as session:
        message = session.scalars(select(OrderMessage)).one()
        line = session.scalars(select(OrderEvent).where(OrderEvent.kind == "message_sent")).one()
        assert line.detail == {"message": str(message.uuid)}
        assert session.scalars(select(Fact.kind).where(Fact.kind == "order.message_sent")).one()


def test_a_conversation_is_read_in_pages(api: Api, aziza: User, path: str) -> None:
    for number in range(5):
        api.post(path, aziza, json={"text": str(number)})
    first = api.get(f"{path}?limit=2", aziza).json()
    assert [each["text"] for each in first["items"]] == ["0", "1"]
    second = api.get(f"{path}?limit=2&after={first['next']}", aziza).json()
    assert [each["text"] for each in second["items"]] == ["2", "3"]
    last = api.get(f"{path}?limit=2&after={second['next']}", aziza).json()
    assert ([each["text"] for each in last["items"]], last["next"]) == (["4"], None)


def test_the_next_driver_does_not_read_what_the_one_before_was_told(
    api: Api, database: Database, aziza: User, jasur: User, order: Order, path: str
) -> None:
    api.post(path, aziza, json={"text": "The key is under the mat"})
    release(database, order, at=api.now())
    assert api.get(path, jasur).status_code == 404
    assert api.post(path, jasur, json={"text": "Sorry"}).status_code == 404
    api.post(path, aziza, json={"text": "And who comes now?"})
    api.later(seconds=5)
    bek = make_jasur(database, "Bek Umarov")
    assign(database, order, bek, at=api.now())
    assert texts(api, path, bek) == []
    api.later(seconds=5)
    api.post(path, bek, json={"text": "I do"})
    assert texts(api, path, bek) == ["I do"]
    assert len(texts(api, path, aziza)) == 3


def test_after_the_end_there_is_a_day_to_ask_for_what_was_left_behind(
    api: Api, database: Database, aziza: User, jasur: User, order: Order, path: str
) -> None:
    advance(database, order, OrderState.COMPLETED, at=api.now())
    api.later(hours=23)
    assert api.post(path, aziza, json={"text": "My umbrella!"}).status_code == 201
    assert api.post(path, jasur, json={"text": "I have it"}).status_code == 201
    api.later(hours=2)
    refused = api.post(path, aziza, json={"text": "Hello?"})
    assert (refused.status_code, refused.json()["code"]) == (409, "over")
    assert texts(api, path, aziza) == ["My umbrella!", "I have it"]


def test_who_says_more_than_anybody_reads_has_to_wait(
    api: Api, aziza: User, jasur: User, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "MOST_A_MINUTE", 3)
    answers = [api.post(path, aziza, json={"text": "hey"}) for _ in range(4)]
    assert [each.status_code for each in answers] == [201, 201, 201, 409]
    assert answers[-1].json()["code"] == "too_many_messages"
    assert api.post(path, jasur, json={"text": "I am coming"}).status_code == 201
    api.later(seconds=61)
    assert api.post(path, aziza, json={"text": "hey"}).status_code == 201


def test_said_twice_under_one_key_it_is_said_once(api: Api, aziza: User, path: str) -> None:
    answers = [api.post(path, aziza, json={"text": "Hello"}, headers={KEY: "one"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers[REPLAYED] == "true"
    assert texts(api, path, aziza) == ["Hello"]


@pytest.mark.parametrize("text", ["", "   ", "x" * 1001, "a\0b", None, 7])
def test_what_cannot_be_said_is_refused_with_why(api: Api, aziza: User, path: str, text: object) -> None:
    answer = api.post(path, aziza, json={"text": text})
    assert answer.status_code == 422
    assert list(wrong_fields(answer)) == ["text"]
    assert texts(api, path, aziza) == []


@pytest.mark.parametrize("number", ["0", "-1", "x", str(2**63)])
def test_a_number_that_no_order_has_is_refused(api: Api, aziza: User, number: str) -> None:
    assert api.get(f"/api/v1/orders/{number}/messages/", aziza).status_code == 422
