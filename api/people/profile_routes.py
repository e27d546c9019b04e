"""One's own account and photo."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from api.accounts.emails import Email
from api.accounts.schemas import Password
from api.codes.deps import AtCounter
from api.codes.schemas import ShownCode
from api.deps import Caller, Db, RawBody, ReadSession, Settings
from api.people import email_change, photos, pictures, profile, service
from api.people.photos import Seen
from api.people.schemas import AccountOut
from api.schemas import Own, Storable

router = APIRouter(tags=["accounts"])

PHOTO = "/auth/me/photo/"

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def read_language(text: str) -> str:
    """A language as it is written in tags; raises ValueError that says what is expected."""
    if not _LANGUAGE.fullmatch(text):
        raise ValueError("must be a language, such as uz, ru or en-GB")
    return text


Stripped = StringConstraints(strip_whitespace=True)


class ProfileChange(Own):
    """What is to change; what is not named stays.

    Another email, or none, needs the password; or a code for `verify` that the present number was sent.
    Who has no number shows a code that came by mail.
    """

    full_name: Annotated[str, Stripped, Field(min_length=1, max_length=200), Storable] = ""
    language: Annotated[str, Field(max_length=35, examples=["uz"]), AfterValidator(read_language)] = ""
    address: Annotated[str, Stripped, Field(max_length=500), Storable] = ""
    email: Annotated[Email | None, Field(description="null takes it away")] = None
    password: Password | None = None
    code: ShownCode | None = None

    @field_validator("code")
    @classmethod
    def _one(cls, code: str | None, info: ValidationInfo) -> str | None:
        if code is not None and info.data.get("password") is not None:
            raise ValueError("is not needed beside password")
        return code


@router.get("/auth/me/", response_model=AccountOut)
def show_me(caller: Caller, session: ReadSession) -> AccountOut:
    """One's own account."""
    return AccountOut.of(service.get_user(session, caller.uuid))


@router.patch("/auth/me/", response_model=AccountOut)
def change_me(body: ProfileChange, caller: Caller, counter: AtCounter) -> AccountOut:
    """Change one's name, language, address, or with a proof one's email, of which the former one is told."""
    said = body.model_dump(exclude_unset=True, exclude={"password", "code"})
    changed = email_change.change(counter, caller, said, password=body.password, code=body.code)
    return AccountOut.of(changed)


@router.put(PHOTO, status_code=status.HTTP_204_NO_CONTENT, openapi_extra=photos.REQUEST)
def put_photo(caller: Caller, body: RawBody, database: Db, settings: Settings) -> None:
    """Show this photo to those who look for one: the bytes of a JPEG, PNG or WebP, at most 5 MB."""
    name = photos.keep(settings.media_dir, body, pictures.look(body))
    try:
        with database.transaction() as session:
            former = profile.swap_photo(session, caller.uuid, name)
    except Exception:
        photos.drop(settings.media_dir, name)
        raise
    # Only after the commit: until then the row names it.
    photos.drop(settings.media_dir, former)


@router.delete(PHOTO, status_code=status.HTTP_204_NO_CONTENT)
def delete_photo(caller: Caller, database: Db, settings: Settings) -> None:
    """Show no photo."""
    with database.transaction() as session:
        former = profile.swap_photo(session, caller.uuid, None)
    photos.drop(settings.media_dir, former)


@router.get("/users/{user}/photo/", response_class=Response, responses=photos.ANSWER)
def show_photo(
    user: UUID, caller: Caller, session: ReadSession, settings: Settings, seen: Seen = None
) -> Response:
    """The photo of somebody: one's own, a ready driver's, and anybody's for dispatchers and admins."""
    name = profile.photo_of(session, user, asked_by=caller)
    return photos.answer(settings.media_dir, name, seen)
