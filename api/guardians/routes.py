"""One's own guardians: who is told when nobody answers a call for help."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import AfterValidator, Field, model_validator

from api.accounts.emails import Email
from api.accounts.phones import Phone
from api.deps import Caller, Now, ReadSession, WriteSession
from api.guardians import service
from api.guardians.service import Draft
from api.people.profile_routes import Stripped, read_language
from api.schemas import Answer, Own, Storable
from db.models import Contact

router = APIRouter(prefix="/contacts", tags=["guardians"])


class ContactIn(Own):
    """Somebody whom one trusts, reached by phone, by email or by both; the lowest rank is told first."""

    name: Annotated[str, Stripped, Field(min_length=1, max_length=100, examples=["Malika"]), Storable]
    phone: Phone | None = None
    email: Email | None = None
    language: Annotated[str, Field(max_length=35, examples=["uz"]), AfterValidator(read_language)] = "en"
    rank: Annotated[int, Field(ge=0, le=100)] = 0

    @model_validator(mode="after")
    def _check_reach(self) -> Self:
        if self.phone is None and self.email is None:
            raise ValueError("phone or email is required: there must be a way to reach them")
        return self

    def draft(self) -> Draft:
        """As the verbs take it."""
        return Draft(**self.model_dump())


class ContactOut(Answer):
    """A guardian."""

    id: UUID
    name: str
    phone: str | None
    email: str | None
    language: str
    rank: int
    created_at: datetime


@router.get("/", response_model=list[ContactOut])
def list_contacts(caller: Caller, session: ReadSession) -> list[ContactOut]:
    """Those who are told, the first standing first."""
    return [_out(contact) for contact in service.list_contacts(session, caller.id)]


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=ContactOut)
def create_contact(body: ContactIn, caller: Caller, session: WriteSession, at: Now) -> ContactOut:
    """Name somebody, ten people at most."""
    return _out(service.create(session, caller.id, body.draft(), at=at))


@router.get("/{contact_id}/", response_model=ContactOut)
def show_contact(contact_id: UUID, caller: Caller, session: ReadSession) -> ContactOut:
    """One of them."""
    return _out(service.get_contact(session, caller.id, contact_id))


@router.put("/{contact_id}/", response_model=ContactOut)
def replace_contact(
    contact_id: UUID, body: ContactIn, caller: Caller, session: WriteSession, at: Now
) -> ContactOut:
    """Change all of one; a link sent to a former number or address is good no longer."""
    return _out(service.replace(session, caller.id, contact_id, body.draft(), at=at))


@router.delete("/{contact_id}/", status_code=status.HTTP_204_NO_CONTENT)
def remove_contact(contact_id: UUID, caller: Caller, session: WriteSession) -> None:
    """Have somebody told no longer."""
    service.remove(session, caller.id, contact_id)


def _out(contact: Contact) -> ContactOut:
    shared = {name: getattr(contact, name) for name in ContactOut.model_fields if name != "id"}
    return ContactOut(id=contact.uuid, **shared)
