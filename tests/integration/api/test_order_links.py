"""Links by which an order is watched without a login."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from api.idempotency import KEY
from api.track.words import WORDS
from db.models import AuditEntry, Order, OrderLink, User
from db.session import Database
from db.states import Role, Service
from tests.builders import make_user
from tests.integration.api.speaking import Api, wrong_fields
from tests.onlooking import on_its_way, stand, tow
from tests.ordering import cancel, place_order


@pytest.fixture
def order(api: Api, database: Database, aziza: User, jasur: User) -> Order:
    """On its way, a kilometre off."""
    order = on_its_way(database, aziza, jasur, at=api.now())
    stand(database, jasur, 41.32, 69.2405, at=api.now())
    return order


def make(api: Api, order: Order, by: User, **said: Any) -> dict[str, Any]:
    answer = api.post(f"/api/v1/orders/{order.id}/links/", by, **({"json": {}} | said))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def path_of(link: dict[str, Any]) -> str:
    path: str = link["url"].removeprefix("http://127.0.0.1:8000")
    assert path.startswith("/track/")
    return path


def test_whoever_has_the_link_sees_who_comes_and_when(api: Api, order: Order, aziza: User) -> None:
    page = api.get(path_of(make(api, order, aziza, json={"name": "Malika"})))
    assert page.status_code == 200
    assert "Aziza ordered a tow truck" in page.text
    assert "Jasur is on the way." in page.text
    assert "There in about" in page.text
    assert "White Cobalt" in page.text
    assert "<svg" in page.text
    for secret in ("Karimova", "Aliyev", "+998"):
        assert secret not in page.text


def test_the_page_speaks_the_language_of_the_browser(api: Api, order: Order, aziza: User) -> None:
    path = path_of(make(api, order, aziza))
    page = api.get(path, headers={"Accept-Language": "uz-UZ,ru;q=0.8"}).text
    assert '<html lang="uz">' in page
    said = api.get(f"{path}.json", headers={"Accept-Language": "uz-UZ,ru;q=0.8"}).json()
    assert said["lede"] == WORDS["uz"]["lede.en_route"].format(driver="Jasur")


def test_the_page_needs_nothing_from_elsewhere_and_leaves_nothing_behind(
    api: Api, order: Order, aziza: User
) -> None:
    page = api.get(path_of(make(api, order, aziza)))
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "http" not in page.text.replace('http-equiv="refresh"', "")


def test_an_old_place_is_shown_as_old(api: Api, order: Order, aziza: User) -> None:
    path = path_of(make(api, order, aziza))
    assert api.get(f"{path}.json").json()["stale"] is None
    api.later(minutes=8)
    said = api.get(f"{path}.json").json()
    assert said["stale"] == "Jasur was last heard of 8 min ago and may be somewhere else by now."
    assert (said["eta"], said["heard"]) == (None, None)


def test_that_somebody_looked_is_known_but_a_preview_is_nobody(api: Api, order: Order, aziza: User) -> None:
    link = make(api, order, aziza, json={"name": "Malika"})
    path = f"/api/v1/orders/{order.id}/links/"
    api.get(path_of(link))
    assert [(each["name"], each["opened_at"]) for each in api.get(path, aziza).json()] == [("Malika", None)]
    api.get(f"{path_of(link)}.json")
    (listed,) = api.get(path, aziza).json()
    assert listed["opened_at"] is not None
    assert "url" not in listed


def test_a_link_that_is_taken_back_is_none(api: Api, order: Order, aziza: User) -> None:
    link, other = make(api, order, aziza), make(api, order, aziza)
    for _ in range(2):
        answer = api.call("DELETE", f"/api/v1/orders/{order.id}/links/{link['id']}/", aziza)
        assert answer.status_code == 204
    assert api.get(path_of(link)).status_code == 404
    assert api.get(f"{path_of(link)}.json").status_code == 404
    assert api.get(path_of(other)).status_code == 200
    assert [each["id"] for each in api.get(f"/api/v1/orders/{order.id}/links/", aziza).json()] == [
        other["id"]
    ]


def test_the_end_is_told_for_a_day_and_nothing_of_where_anybody_is(
    api: Api, database: Database, order: Order, aziza: User
) -> None:
    path = path_of(make(api, order, aziza))
    cancel(database, order, at=api.now())
    page = api.get(path)
    assert page.status_code == 410
    assert "The order was cancelled." in page.text
    assert "<svg" not in page.text
    assert "Jasur" not in page.text
    said = api.get(f"{path}.json")
    assert (said.status_code, said.json()["over"]) == (410, True)
    api.later(hours=25)
    assert "cancelled" not in api.get(path).text
    assert api.post(f"/api/v1/orders/{order.id}/links/", aziza, json={}).status_code == 409


def test_before_a_driver_accepts_the_page_shows_that_one_is_looked_for(
    api: Api, database: Database, aziza: User
) -> None:
    order = tow(database, aziza, at=api.now())
    said = api.get(f"{path_of(make(api, order, aziza))}.json").json()
    assert said["lede"] == "We are looking for a driver."
    assert (said["driver"], said["picture"], said["reached"]) == (None, None, 0)


def test_a_driver_makes_no_links_and_sees_none(api: Api, order: Order, aziza: User, jasur: User) -> None:
    link = make(api, order, aziza)
    path = f"/api/v1/orders/{order.id}/links/"
    assert api.post(path, jasur, json={}).status_code == 404
    assert api.get(path, jasur).status_code == 404
    assert api.call("DELETE", f"{path}{link['id']}/", jasur).status_code == 404


def test_what_a_desk_does_with_links_stands_in_the_audit_log(
    api: Api, database: Database, order: Order, aziza: User
) -> None:
    desk = make_user(database, Role.DISPATCHER)
    link = make(api, order, desk)
    api.call("DELETE", f"/api/v1/orders/{order.id}/links/{link['id']}/", desk)
    make(api, order, aziza)
    with database.transaction() as session:
        lines = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(each.action, each.actor_id) for each in lines] == [
        ("order.link_made", desk.id),
        ("order.link_revoked", desk.id),
    ]
    assert all(each.detail == {"link": link["id"]} for each in lines)


def test_a_link_of_another_order_is_not_taken_back_through_this_one(
    api: Api, database: Database, order: Order, aziza: User
) -> None:
    other = tow(database, aziza, at=api.now())
    link = make(api, other, aziza)
    answer = api.call("DELETE", f"/api/v1/orders/{order.id}/links/{link['id']}/", aziza)
    assert answer.status_code == 404
    assert api.get(path_of(link)).status_code == 200


def test_ten_links_are_enough(api: Api, order: Order, aziza: User) -> None:
    links = [make(api, order, aziza) for _ in range(10)]
    refused = api.post(f"/api/v1/orders/{order.id}/links/", aziza, json={})
    assert refused.status_code == 409
    api.call("DELETE", f"/api/v1/orders/{order.id}/links/{links[0]['id']}/", aziza)
    make(api, order, aziza)


def test_asked_for_twice_under_one_key_it_is_one_link(
    api: Api, database: Database, order: Order, aziza: User
) -> None:
    links = [make(api, order, aziza, headers={KEY: "one"}) for _ in range(2)]
    assert links[0] == links[1]
    with database.transaction() as session:
        assert len(session.scalars(select(OrderLink)).all()) == 1


def test_the_token_is_kept_nowhere_and_logged_nowhere(
    api: Api, database: Database, order: Order, aziza: User
) -> None:
    path = path_of(make(api, order, aziza))
    with capture_logs() as logs:
        api.get(path)
        api.get(f"{path}.json")
    token = path.rpartition("/")[2]
    assert [each["path"] for each in logs if each.get("event") == "request"] == [
        "/track/***",
        "/track/***.json",
    ]
    assert token not in str(logs)
    with database.transaction() as session:
        link = session.scalars(select(OrderLink)).one()
        assert token not in str(vars(link))


def test_a_link_that_is_none_says_so_and_who_tries_many_has_to_wait(api: Api) -> None:
    answers = [api.get(f"/track/{'x' * number}") for number in range(1, 12)]
    assert [each.status_code for each in answers] == [404] * 10 + [429]
    assert "This link is not known" in answers[0].text


def test_a_page_is_asked_for_as_often_as_pages_do(api: Api, order: Order, aziza: User) -> None:
    path = f"{path_of(make(api, order, aziza))}.json"
    answers = [api.get(path).status_code for _ in range(61)]
    assert answers == [200] * 60 + [429]
    api.later(minutes=1)
    assert api.get(path).status_code == 200


def test_a_name_that_looks_like_markup_is_a_name(
    api: Api, database: Database, order: Order, aziza: User, jasur: User
) -> None:
    with database.transaction() as session:
        session.execute(update(User).where(User.id == jasur.id).values(full_name="<script>x</script>"))
    path = path_of(make(api, order, aziza))
    assert "<script>x" not in api.get(path).text
    assert "<script>x" not in api.get(f"{path}.json").json()["picture"]


@pytest.mark.parametrize("name", ["x" * 101, "a\0b", 7])
def test_a_name_that_does_not_do_is_refused(api: Api, order: Order, aziza: User, name: object) -> None:
    answer = api.post(f"/api/v1/orders/{order.id}/links/", aziza, json={"name": name})
    assert answer.status_code == 422
    assert list(wrong_fields(answer)) == ["name"]


def test_an_order_that_is_made_for_later_says_when(api: Api, database: Database, aziza: User) -> None:
    later = api.now() + timedelta(hours=5)
    order = place_order(database, aziza, service=Service.TOW, at=api.now(), scheduled_at=later)
    said = api.get(f"{path_of(make(api, order, aziza))}.json").json()
    assert said["lede"] == "It is for later: in 5 h."
