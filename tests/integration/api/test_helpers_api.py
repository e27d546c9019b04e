"""Being a helper over HTTP, and answers by SMS."""

from typing import Any
from uuid import UUID

from pydantic import SecretStr

from api.settings import ApiSettings
from db.models import User
from db.session import Database
from db.states import CallState, Role
from dispatch.sos import calls, queries
from tests.builders import TASHKENT, make_device, make_user, report
from tests.helping import call_of, make_helper
from tests.integration.api.speaking import Api, wrong_fields

PROFILE: dict[str, Any] = {"skills": ["first_aid", "aed"], "radius_m": 2_000, "available": True}
GATEWAY = "the gateway's own token"


def opened(api: Api, database: Database) -> UUID:
    wearer = make_user(database, name="Aziza Karimova")
    said = TASHKENT | {"type": "fall"}
    return report(database, make_device(database, wearer), at=api.now(), **said).incident_id


def asked(api: Api, database: Database, *helpers: User) -> UUID:
    incident = opened(api, database)
    with database.transaction() as session:
        held = queries.lock_incident(session, incident)
        assert calls.alert_wave(session, held, wider=False, at=api.now()) == len(helpers)
    return incident


def answer(api: Api, database: Database, helper: User, verb: str, **said: Any) -> Any:
    return api.post(f"/api/v1/calls/{call_of(database, helper).uuid}/{verb}/", helper, **said)


def test_a_helper_says_what_they_can_do_and_where_they_are(api: Api, database: Database) -> None:
    helper = make_user(database, Role.HELPER)
    nothing = api.get("/api/v1/helpers/me/", helper).json()
    assert (nothing["available"], nothing["skills"], nothing["place_at"]) == (False, [], None)
    kept = api.call("PUT", "/api/v1/helpers/me/", helper, json=PROFILE)
    assert kept.status_code == 200, kept.text
    assert api.call("PUT", "/api/v1/helpers/me/place/", helper, json=TASHKENT).status_code == 204
    shown = api.get("/api/v1/helpers/me/", helper).json()
    assert (shown["radius_m"], shown["available"], shown["regions"]) == (2_000, True, None)
    assert sorted(shown["skills"]) == ["aed", "first_aid"]
    assert shown["place_at"] is not None


def test_what_a_helper_cannot_be_is_named(api: Api, database: Database) -> None:
    helper = make_user(database, Role.HELPER)
    wrong = api.call(
        "PUT",
        "/api/v1/helpers/me/",
        helper,
        json={"skills": ["juggling"], "radius_m": 5, "available": True, "fame": 1},
    )
    assert wrong.status_code == 422
    assert {field.split(".")[0] for field in wrong_fields(wrong)} == {"skills", "radius_m", "fame"}
    unknown = api.call("PUT", "/api/v1/helpers/me/", helper, json=PROFILE | {"regions": ["atlantis"]})
    assert wrong_fields(unknown) == {"regions": "there is no region atlantis"}


def test_a_dispatcher_sees_who_would_be_asked_who_not_and_why(api: Api, database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    near = make_helper(database, "first_aid", metres=200, at=api.now())
    busy = make_helper(database, metres=100, available=False, at=api.now())
    incident = opened(api, database)
    shown = api.get(f"/api/v1/incidents/{incident}/candidates/", desk)
    assert shown.status_code == 200, shown.text
    said = shown.json()
    assert [each["uuid"] for each in said["items"]] == [str(busy.uuid), str(near.uuid)]
    assert [(each["excluded"], each["next"]) for each in said["items"]] == [
        *((["not_available"], False), ([], True)),
    ]
    terms = said["items"][1]["terms"]
    assert {"prior", "asked", "accepted", "distance", "night", "fit", "mode"} <= terms.keys()
    assert said["joint_chance"] == round(said["items"][1]["chance"], 3)
    asked = api.post(f"/api/v1/incidents/{incident}/helpers/", desk)
    assert (asked.status_code, asked.json()) == (200, {"asked": 1})
    assert api.post(f"/api/v1/incidents/{incident}/helpers/", desk).json() == {"asked": 0}


def test_a_helper_goes_there_step_by_step(api: Api, database: Database) -> None:
    helper = make_helper(database, at=api.now())
    incident = asked(api, database, helper)
    [open_call] = api.get("/api/v1/calls/?open=true", helper).json()["items"]
    assert (open_call["incident"], open_call["name"], open_call["state"]) == (
        *(str(incident), "Aziza", "alerted"),
    )
    assert open_call["place"] == {"lat": TASHKENT["lat"], "lon": TASHKENT["lon"]}
    assert answer(api, database, helper, "delivered").json()["state"] == "delivered"
    yes = answer(api, database, helper, "accept", json={"eta_s": 240})
    assert (yes.json()["state"], yes.json()["eta_s"]) == ("accepted", 240)
    assert answer(api, database, helper, "en-route").json()["state"] == "en_route"
    assert answer(api, database, helper, "on-scene").json()["state"] == "on_scene"
    desk = make_user(database, Role.DISPATCHER)
    assert api.get(f"/api/v1/incidents/{incident}/", desk).json()["state"] == "on_scene"
    assert (
        answer(api, database, helper, "withdraw", json={"why": "my own child"}).json()["state"] == "withdrawn"
    )
    after = api.get("/api/v1/calls/", helper).json()["items"][0]
    assert (after["place"], after["name"], after["why"]) == (None, None, "my own child")


def test_who_declined_is_believed(api: Api, database: Database) -> None:
    helper = make_helper(database, at=api.now())
    asked(api, database, helper)
    assert answer(api, database, helper, "decline", json={"why": "ill"}).json()["state"] == "declined"
    assert answer(api, database, helper, "decline").status_code == 200
    again = answer(api, database, helper, "accept")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")


def test_a_yes_that_comes_too_late_is_told_that_it_is_taken_care_of(api: Api, database: Database) -> None:
    helpers = [make_helper(database, metres=100 + number, at=api.now()) for number in range(3)]
    asked(api, database, *helpers)
    for helper in helpers[:2]:
        assert answer(api, database, helper, "accept").status_code == 200
    late = answer(api, database, helpers[2], "accept")
    assert (late.status_code, late.json()["code"]) == (409, "taken_care_of")


# By SMS.


def sms(api: Api, settings: ApiSettings, sender: str | None, text: str) -> Any:
    settings.sms_hook_token = SecretStr(GATEWAY)
    return api.post("/api/v1/hooks/sms/", GATEWAY, json={"from": sender, "text": text})


def test_without_its_token_a_gateway_brings_nothing(api: Api, settings: ApiSettings) -> None:
    said = {"from": "+998901234567", "text": "YES"}
    assert api.post("/api/v1/hooks/sms/", json=said).status_code == 401
    settings.sms_hook_token = SecretStr("")
    assert api.post("/api/v1/hooks/sms/", "", json=said).status_code == 401
    settings.sms_hook_token = SecretStr(GATEWAY)
    assert api.post("/api/v1/hooks/sms/", "a guess", json=said).status_code == 401
    assert api.post("/api/v1/hooks/sms/", GATEWAY, json=said).status_code == 200


def test_yes_by_sms_without_the_number_is_enough_when_there_is_one_call(
    api: Api, settings: ApiSettings, database: Database
) -> None:
    helper = make_helper(database, at=api.now())
    asked(api, database, helper)
    assert helper.phone is not None
    taken = sms(api, settings, helper.phone.removeprefix("+"), "Ha, boraman")
    assert taken.json()["taken"] is True
    call = call_of(database, helper)
    assert (call.state, call.answered_via) == (CallState.ACCEPTED, "sms")
    assert sms(api, settings, helper.phone, f"YES {call.sms_code}").json()["taken"] is True
    assert sms(api, settings, helper.phone, f"нет {call.sms_code}").json()["taken"] is True
    assert call_of(database, helper).state == CallState.WITHDRAWN


def test_what_cannot_be_taken_by_sms_says_why(api: Api, settings: ApiSettings, database: Database) -> None:
    helper = make_helper(database, at=api.now())
    asked(api, database, helper)
    other = make_user(database)
    refused = [
        *(sms(api, settings, helper.phone, text).json() for text in ("who is this?", "YES 0000")),
        *(sms(api, settings, who, "YES").json() for who in (other.phone, "+998909999999")),
    ]
    assert [each["taken"] for each in refused] == [False] * 4
    assert "YES or NO" in refused[0]["detail"]
    assert call_of(database, helper).state == CallState.ALERTED
    assert sms(api, settings, "not a number", "YES").status_code == 422


def test_an_answer_by_sms_long_after_is_of_another_day(
    api: Api, settings: ApiSettings, database: Database
) -> None:
    helper = make_helper(database, at=api.now())
    asked(api, database, helper)
    api.later(hours=4)
    code = call_of(database, helper).sms_code
    assert sms(api, settings, helper.phone, f"YES {code}").json()["taken"] is False
