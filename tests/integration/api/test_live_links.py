"""Guardians looking on by their link, and speaking."""
# ruff: noqa: RUF001 - Cyrillic is meant

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from api.live.words import WORDS
from db import timers
from db.models import Contact, HelperCall, Incident, IncidentEvent, LiveLink, Message, Region, Timer, User
from db.session import Database
from db.states import CallState, Outcome, Role, WorkStatus
from dispatch import telling
from dispatch.sos import guardians, service
from tests.builders import TASHKENT, make_device, make_user, report
from tests.integration.api.speaking import Api, wrong_fields
from tests.watchers import make_contact


@dataclass(frozen=True)
class Link:
    """A link that a guardian was sent, and what it leads to."""

    path: str
    incident: UUID
    contact: Contact
    wearer: User

    @property
    def token(self) -> str:
        return self.path.rpartition("/")[2]


def send_link(api: Api, database: Database, *, language: str = "en", **said: object) -> Link:
    """Have a guardian told of a call for help."""
    wearer = make_user(database, name="Aziza Karimova")
    contact = make_contact(database, wearer, language=language)
    reported = report(database, make_device(database, wearer), at=api.now(), **said)
    with database.transaction() as session:
        incident = session.get_one(Incident, reported.incident_id)
        guardians.tell(session, incident, key="test", at=api.now())
        token = guardians.make_token(incident.id, contact)
    return Link(f"/live/{token}", reported.incident_id, contact, wearer)


@pytest.fixture
def link(api: Api, database: Database) -> Link:
    return send_link(api, database, **TASHKENT, accuracy_m=12.0, battery_pct=61)


def end(database: Database, link: Link, api: Api, outcome: Outcome = Outcome.ASSISTED) -> None:
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        service.resolve(session, link.incident, by=desk.id, outcome=outcome, at=api.now())


def send_helper(database: Database, link: Link, api: Api, name: str, **said: object) -> None:
    helper = make_user(database, Role.HELPER, name=name)
    with database.transaction() as session:
        session.add(
            HelperCall(
                incident_id=link.incident,
                helper_id=helper.id,
                wave=1,
                asked_at=api.now(),
                until_at=api.now(),
                answered_at=api.now(),
                chance=0.5,
                terms={},
                **said,
            )
        )


def events(database: Database, link: Link) -> list[IncidentEvent]:
    with database.transaction() as session:
        spoke = select(IncidentEvent).where(IncidentEvent.incident_id == link.incident)
        return list(session.scalars(spoke.where(IncidentEvent.kind == "guardian_spoke")))


def test_the_page_tells_what_happens_without_scripts_and_in_the_guardians_language(
    api: Api, database: Database
) -> None:
    link = send_link(api, database, language="ru-RU", **TASHKENT, accuracy_m=12.0)
    page = api.get(link.path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="ru">' in page.text
    assert "Aziza: вызов о помощи" in page.text
    assert "41.31108, 69.24056" in page.text
    assert "с точностью 12 м" in page.text
    assert 'href="geo:41.311081,69.240562' in page.text
    assert "Karimova" not in page.text


def test_the_page_needs_nothing_from_elsewhere_and_leaves_nothing_behind(api: Api, link: Link) -> None:
    page = api.get(link.path)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert "http" not in page.text.replace('http-equiv="refresh"', "")
    assert len(page.content) < 20_000


def test_the_state_is_told_in_words_with_who_is_coming(api: Api, database: Database, link: Link) -> None:
    send_helper(database, link, api, "Jasur Aliyev", state=CallState.EN_ROUTE, eta_s=230)
    send_helper(database, link, api, "Nodira Saidova", state=CallState.ON_SCENE)
    send_helper(database, link, api, "Somebody Else", state=CallState.DECLINED)
    said = api.get(f"{link.path}.json").json()
    assert (said["over"], said["state"], said["reached"]) == (False, "active", 0)
    assert said["headline"] == "Aziza called for help"
    assert said["place_note"] == "just now, within 12 m"
    assert said["battery"] == "61 %"
    assert said["coming"] == [
        {"name": "Jasur", "how": "on the way, about 4 min"},
        {"name": "Nodira", "how": "is there"},
    ]


def test_an_old_place_says_how_old_it_is(api: Api, link: Link) -> None:
    api.later(minutes=7)
    assert api.get(f"{link.path}.json").json()["place_note"] == "7 min ago, within 12 m"


def test_a_lost_signal_is_said(api: Api, database: Database, link: Link) -> None:
    assert api.get(f"{link.path}.json").json()["signal"] is None
    with database.transaction() as session:
        session.execute(update(Incident).values(signal_lost=True))
    assert "not been heard of" in api.get(f"{link.path}.json").json()["signal"]


def test_once_it_is_over_the_page_says_how_and_nothing_else(api: Api, database: Database, link: Link) -> None:
    end(database, link, api)
    for answer in (api.get(link.path), api.get(f"{link.path}.json")):
        assert answer.status_code == 410
        assert "Aziza was helped." in answer.text
        assert "41.31" not in answer.text
    assert api.get(f"{link.path}.json").json()["over"] is True
    api.later(days=2)
    assert "Aziza was helped." not in api.get(link.path).text
    assert "It is over" in api.get(link.path).text


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_way_of_ending_is_said_in_every_language(outcome: Outcome) -> None:
    for words in WORDS.values():
        assert words[f"over.{outcome}"]
        assert words.keys() == WORDS["en"].keys()


def test_a_link_that_is_none_is_said_to_be_none(api: Api, link: Link) -> None:
    answer = api.get("/live/AAAAAAAAAAAAAAAAAAAAAA", headers={"Accept-Language": "fr-CA, en;q=0.5"})
    assert answer.status_code == 404
    assert "Ce lien n’est pas connu" in answer.text
    assert api.get("/live/AAAAAAAAAAAAAAAAAAAAAA.json").status_code == 404
    assert api.post("/live/AAAAAAAAAAAAAAAAAAAAAA/spoke", content="words=fine").status_code == 404


def test_whoever_guesses_has_to_wait_and_whoever_has_a_link_has_not(api: Api, link: Link) -> None:
    answers = [api.get(f"/live/{number:022}").status_code for number in range(11)]
    assert answers == [404] * 10 + [429]
    assert api.get(link.path).status_code == 200


def test_a_page_that_is_asked_for_too_often_is_told_to_wait(api: Api, link: Link) -> None:
    answers = [api.get(f"{link.path}.json") for _ in range(61)]
    assert {each.status_code for each in answers[:60]} == {200}
    assert answers[60].status_code == 429
    assert int(answers[60].headers["retry-after"]) <= 61
    api.later(minutes=1)
    assert api.get(f"{link.path}.json").status_code == 200


def test_the_database_and_the_log_do_not_know_the_token(api: Api, database: Database, link: Link) -> None:
    with capture_logs() as logs:
        api.get(link.path)
        api.get(f"{link.path}.json")
        api.post(f"{link.path}/spoke", content="words=fine")
    assert {each["path"] for each in logs} == {"/live/***", "/live/***.json", "/live/***/spoke"}
    with database.transaction() as session:
        kept = session.scalars(select(LiveLink)).one()
        message = session.scalars(select(Message)).one()
    assert link.token not in f"{kept.token_hash} {message.sealed} {logs}"
    assert len(link.token) == 22


def test_a_preview_proves_nothing_but_a_page_that_runs_has_reached_its_guardian(
    api: Api, database: Database, link: Link
) -> None:
    def confirmed() -> object:
        with database.transaction() as session:
            return session.scalars(select(Message.confirmed_via)).one()

    api.get(link.path)
    assert confirmed() is None
    api.get(f"{link.path}.json")
    assert confirmed() == "link"
    with database.transaction() as session:
        waits = select(Timer).where(Timer.kind == telling.TIMER, Timer.status == WorkStatus.WAITING)
        assert session.scalars(waits).all() == []


def test_what_a_guardian_says_is_signed_shown_and_resolves_nothing(
    api: Api, database: Database, link: Link
) -> None:
    answer = api.post(f"{link.path}/spoke", content="words=needs_help")
    assert answer.status_code == 200  # the page again, by way of a redirection
    assert "You told us just now: they need help." in answer.text
    [spoke] = events(database, link)
    assert guardians.is_genuine(spoke.detail)
    assert (spoke.detail["name"], spoke.detail["words"]) == ("Malika", "needs_help")
    desk = make_user(database, Role.DISPATCHER)
    shown = api.get(f"/api/v1/incidents/{link.incident}/", desk).json()
    assert shown["state"] == "active"
    assert shown["timeline"][-1]["kind"] == "guardian_spoke"
    with database.transaction() as session:
        waiting = timers.find_waiting(session, link.incident, "escalation")
        assert waiting is not None
        assert waiting.due_at <= api.now()


def test_nothing_can_be_said_of_what_is_over(api: Api, database: Database, link: Link) -> None:
    end(database, link, api)
    assert api.post(f"{link.path}/spoke", content="words=needs_help").status_code == 410
    assert events(database, link) == []


@pytest.mark.parametrize("body", ["", "words=", "words=perhaps", "word=fine", "\xff\x00"])
def test_words_that_are_not_known_are_refused(api: Api, database: Database, link: Link, body: str) -> None:
    answer = api.post(f"{link.path}/spoke", content=body)
    assert answer.status_code == 422
    assert wrong_fields(answer) == {"words": "must be fine or needs_help"}
    assert events(database, link) == []


def test_who_says_it_again_and_again_has_to_wait(api: Api, link: Link) -> None:
    answers = [api.post(f"{link.path}/spoke", content="words=fine").status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]


def test_an_exercise_is_called_one(api: Api, database: Database, link: Link) -> None:
    assert "This is an exercise" not in api.get(link.path).text
    with database.transaction() as session:
        session.execute(update(Incident).values(exercise=True))
    assert "This is an exercise" in api.get(link.path).text


def test_a_call_that_was_merged_into_another_shows_who_comes_to_that(
    api: Api, database: Database, link: Link
) -> None:
    other = report(database, make_device(database, make_user(database)), at=api.now())
    with database.transaction() as session:
        session.execute(
            update(Incident).where(Incident.id == link.incident).values(merged_into_id=other.incident_id)
        )
    send_helper(
        database,
        Link("", other.incident_id, link.contact, link.wearer),
        api,
        "Jasur Aliyev",
        state=CallState.ACCEPTED,
    )
    said = api.get(f"{link.path}.json").json()
    assert said["headline"] == "Aziza called for help"
    assert said["coming"] == [{"name": "Jasur", "how": "on the way"}]


def test_a_name_that_looks_like_markup_is_a_name(api: Api, database: Database) -> None:
    link = send_link(api, database)
    with database.transaction() as session:
        session.execute(update(User).where(User.id == link.wearer.id).values(full_name="<script>x</script>"))
    page = api.get(link.path).text
    assert "&lt;script&gt;x&lt;/script&gt; called for help" in page


def test_a_former_number_looks_on_no_longer(api: Api, database: Database, link: Link) -> None:
    path = f"/api/v1/contacts/{link.contact.uuid}/"
    same = {"name": "Malika", "phone": link.contact.phone, "rank": 3}
    assert api.call("PUT", path, link.wearer, json=same).status_code == 200
    assert api.get(link.path).status_code == 200
    other = same | {"phone": "+998901112233"}
    assert api.call("PUT", path, link.wearer, json=other).status_code == 200
    assert api.get(link.path).status_code == 404


def test_a_guardian_who_is_named_no_longer_looks_on_no_longer(
    api: Api, database: Database, link: Link
) -> None:
    assert api.call("DELETE", f"/api/v1/contacts/{link.contact.uuid}/", link.wearer).status_code == 204
    assert api.get(link.path).status_code == 404
    with database.transaction() as session:
        assert session.scalars(select(Region)).all()  # and nothing else went with them
        assert session.get_one(Incident, link.incident).opened_at > api.now() - timedelta(minutes=1)
