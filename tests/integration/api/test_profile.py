"""One's own account and photo."""

from pathlib import Path

import pytest

from api.people.pictures import MOST_BYTES
from api.settings import ApiSettings
from db.models import User
from db.session import Database
from db.states import Role
from tests.builders import make_user
from tests.integration.api.speaking import Api, wrong_fields
from tests.pictures import jpeg, png, webp_lossy

ME = "/api/v1/auth/me/"
PHOTO = f"{ME}photo/"


@pytest.fixture
def ann(database: Database) -> User:
    return make_user(database)


@pytest.fixture
def kept(settings: ApiSettings) -> Path:
    return settings.media_dir


def photo_of(user: User) -> str:
    return f"/api/v1/users/{user.uuid}/photo/"


def test_what_is_named_changes_and_the_rest_stays(api: Api, ann: User) -> None:
    said = {"language": "uz", "address": " Tashkent, Amir Temur 1 ", "email": None}
    changed = api.call("PATCH", ME, ann, json=said).json()
    assert changed == api.get(ME, ann).json()
    assert changed["address"] == "Tashkent, Amir Temur 1"
    assert (changed["full_name"], changed["language"]) == ("Aziza Karimova", "uz")
    assert api.call("PATCH", ME, ann, json={}).json()["address"] == "Tashkent, Amir Temur 1"


def test_each_wrong_field_is_named_and_nothing_changes(api: Api, ann: User) -> None:
    wrong = {"full_name": " ", "language": "Klingon!", "email": "ann", "address": None, "roles": ["admin"]}
    answer = api.call("PATCH", ME, ann, json=wrong | {"phone_number": "+998901234567"})
    assert answer.status_code == 422
    assert set(wrong_fields(answer)) == {*wrong, "phone_number"}
    assert api.get(ME, ann).json()["full_name"] == "Aziza Karimova"


@pytest.mark.parametrize(("data", "kind"), [(png(), "png"), (jpeg(), "jpeg"), (webp_lossy(), "webp")])
def test_a_photo_comes_back_as_what_it_is_whatever_it_was_called(
    api: Api, ann: User, data: bytes, kind: str
) -> None:
    sent = api.call("PUT", PHOTO, ann, content=data, headers={"Content-Type": "text/html"})
    assert sent.status_code == 204
    assert api.get(ME, ann).json()["has_photo"]
    answer = api.get(photo_of(ann), ann)
    assert answer.content == data
    assert answer.headers["content-type"] == f"image/{kind}"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "private, no-cache"


def test_a_photo_that_is_known_is_not_sent_again(api: Api, ann: User) -> None:
    api.call("PUT", PHOTO, ann, content=png())
    tag = api.get(photo_of(ann), ann).headers["etag"]
    again = api.get(photo_of(ann), ann, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_photo_is_seen_by_its_owner_and_the_desk(api: Api, database: Database, ann: User) -> None:
    api.call("PUT", PHOTO, ann, content=png())
    assert api.get(photo_of(ann), make_user(database, Role.DISPATCHER)).status_code == 200
    assert api.get(photo_of(ann), make_user(database, Role.HELPER)).status_code == 404


def test_a_new_photo_takes_the_place_of_the_old_and_none_stays_behind(
    api: Api, ann: User, kept: Path
) -> None:
    for data in (png(), jpeg()):
        api.call("PUT", PHOTO, ann, content=data)
    assert [path.suffix for path in kept.iterdir()] == [".jpeg"]
    for _ in range(2):
        assert api.call("DELETE", PHOTO, ann).status_code == 204
    assert list(kept.iterdir()) == []
    assert api.get(photo_of(ann), ann).status_code == 404


def test_what_is_no_photo_is_refused_and_the_old_one_stays(api: Api, ann: User, kept: Path) -> None:
    api.call("PUT", PHOTO, ann, content=png())
    for rubbish in (b"", b"<script>alert(1)</script>", png(9_000, 1)):
        answer = api.call("PUT", PHOTO, ann, content=rubbish)
        assert answer.status_code == 422
        assert "body" in wrong_fields(answer)
    assert api.get(photo_of(ann), ann).content == png()
    assert len(list(kept.iterdir())) == 1


def test_a_photo_has_a_bound_and_every_other_body_keeps_its_own(api: Api, ann: User) -> None:
    full = png().ljust(MOST_BYTES, b"\0")
    assert api.call("PUT", PHOTO, ann, content=full).status_code == 204
    assert api.call("PUT", PHOTO, ann, content=full + b"\0").status_code == 413
    assert api.call("PATCH", ME, ann, content=b"x" * 70_000).status_code == 413
