"""People and the audit log on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from api.paging import DEFAULT_LIMIT, Cursor, Limit
from api.schemas import Answer, Own, Storable
from db.models import AuditEntry, User
from db.states import Role, UserStatus

Words = Annotated[str, Field(min_length=1, max_length=200), Storable]
Slug = Annotated[str, Field(min_length=1, max_length=63), Storable]


class UserFilter(Own):
    """Which accounts to list; newest first."""

    search: Annotated[Words | None, Field(description="part of a name, a phone number or an email")] = None
    role: Role | None = None
    status: UserStatus | None = None
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class AccountOut(Answer):
    """An account; `regions` are those whose calls a dispatcher sees, null for all.

    A phone number or an email is verified once its owner has shown a code that it was sent.
    """

    uuid: UUID
    full_name: str
    phone_number: str | None
    email: str | None
    language: str
    address: str
    roles: list[Role]
    status: UserStatus
    regions: list[str] | None
    phone_verified: bool
    email_verified: bool
    has_photo: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> "AccountOut":
        """`granted` must be loaded."""
        return cls(
            uuid=user.uuid,
            full_name=user.full_name,
            phone_number=user.phone,
            email=user.email,
            language=user.language,
            address=user.address,
            roles=sorted(each.role for each in user.granted),
            status=user.status,
            regions=user.alert_regions,
            phone_verified=user.phone_verified_at is not None,
            email_verified=user.email_verified_at is not None,
            has_photo=user.photo is not None,
            created_at=user.created_at,
        )


class Regions(Own):
    """The regions, by slug, whose calls a dispatcher sees beside the default one; null for all."""

    regions: Annotated[list[Slug], Field(max_length=200)] | None


class RegionsOut(Answer):
    """What holds from now on, and which regions no dispatcher watches."""

    regions: list[str] | None
    unwatched: list[str]


class AuditFilter(Own):
    """Which acts to list; newest first."""

    actor: UUID | None = None
    action: Annotated[Words | None, Field(examples=["role.granted"])] = None
    subject_kind: Annotated[Words | None, Field(examples=["user"])] = None
    subject_id: Words | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class ActorOut(Answer):
    uuid: UUID
    full_name: str


class AuditOut(Answer):
    """One act; without an actor it was done at the machine itself."""

    id: int
    at: datetime
    actor: ActorOut | None
    action: str
    subject_kind: str
    subject_id: str
    detail: dict[str, Any]
    address: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditOut":
        return cls.model_validate(entry)
