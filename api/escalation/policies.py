"""Policies of escalation: written by admins, taken by incidents that open."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, status
from pydantic import Field

from api.deps import Acting, Admin, Dispatcher, Now, ReadSession, WriteSession
from api.schemas import Answer, Own, Storable
from broker.frames import SosWord
from broker.topics import DEFAULT_REGION
from db.models import Policy
from dispatch.sos import policies as verbs
from dispatch.sos.policies import Draft, Frozen
from dispatch.sos.steps import (
    DEFAULT_REPEAT_S,
    LONGEST_REPEAT_S,
    LONGEST_S,
    MOST_STEPS,
    SHORTEST_REPEAT_S,
    Step,
    Target,
)

router = APIRouter(prefix="/policies", tags=["escalation"])

Slug = Annotated[str, Field(min_length=1, max_length=63, examples=["tashkent"]), Storable]
SosKind = Annotated[SosWord, Field(max_length=32, examples=["fall"]), Storable]


class StepIn(Own):
    """So many seconds after the opening, whom to ask."""

    after_s: Annotated[float, Field(ge=0, le=LONGEST_S)]
    whom: Annotated[list[Target], Field(min_length=1, max_length=len(Target))]
    note: Annotated[str, Field(max_length=200), Storable] = ""

    def step(self) -> Step:
        """As it is frozen into incidents."""
        said: Step = {"after_s": self.after_s, "whom": [each.value for each in self.whom]}
        return said | {"note": self.note} if self.note else said


class PolicyIn(Own):
    """A policy. Without a region it holds in every one, without types for every call for help.

    The first step is at 0 seconds; the last one comes again every `repeat_s` until a person answers.
    """

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["Falls at night"]), Storable]
    region: Slug | None = None
    types: Annotated[list[SosKind], Field(min_length=1, max_length=50)] | None = None
    steps: Annotated[list[StepIn], Field(min_length=1, max_length=MOST_STEPS)]
    repeat_s: Annotated[int, Field(ge=SHORTEST_REPEAT_S, le=LONGEST_REPEAT_S)] = DEFAULT_REPEAT_S
    active: bool = True

    def draft(self) -> Draft:
        """As the verbs take it."""
        return Draft(
            name=self.name,
            steps=[each.step() for each in self.steps],
            repeat_s=self.repeat_s,
            region=self.region,
            types=self.types,
            active=self.active,
        )


class PolicyOut(Answer):
    """A policy as it stands; incidents that opened before `changed_at` have what it was before."""

    id: UUID
    name: str
    region: str | None
    types: list[str] | None
    steps: list[dict[str, Any]]
    repeat_s: int
    active: bool
    changed_at: datetime


class MatchFilter(Own):
    """Of which call for help one wants to know."""

    region: Slug = DEFAULT_REGION
    type: SosKind = "button"


class MatchOut(Answer):
    """What an incident would be given; without an id it is the one built in."""

    id: UUID | None
    name: str
    steps: list[dict[str, Any]]
    repeat_s: int


@router.get("/", response_model=list[PolicyOut])
def list_policies(_: Dispatcher, session: ReadSession) -> Sequence[PolicyOut]:
    """All policies, by name."""
    return [_out(policy) for policy in verbs.list_policies(session)]


@router.get("/match/", response_model=MatchOut)
def match(wanted: Annotated[MatchFilter, Query()], _: Dispatcher, session: ReadSession) -> Frozen:
    """Which policy a call for help of this type would be given in this region, if it came now."""
    return verbs.find_match(session, region=wanted.region, type_=wanted.type)


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=PolicyOut)
def create_policy(body: PolicyIn, _: Admin, actor: Acting, session: WriteSession, at: Now) -> PolicyOut:
    """Add a policy; incidents that open from now on may take it."""
    return _out(verbs.create(session, body.draft(), actor=actor, at=at))


@router.get("/{policy_id}/", response_model=PolicyOut)
def show_policy(policy_id: UUID, _: Dispatcher, session: ReadSession) -> PolicyOut:
    """One policy."""
    return _out(verbs.get_policy(session, policy_id))


@router.put("/{policy_id}/", response_model=PolicyOut)
def replace_policy(
    policy_id: UUID, body: PolicyIn, _: Admin, actor: Acting, session: WriteSession, at: Now
) -> PolicyOut:
    """Change all of a policy; incidents that are open keep what they have."""
    return _out(verbs.replace(session, policy_id, body.draft(), actor=actor, at=at))


@router.delete("/{policy_id}/", status_code=status.HTTP_204_NO_CONTENT)
def remove_policy(policy_id: UUID, _: Admin, actor: Acting, session: WriteSession, at: Now) -> None:
    """Take a policy away; incidents that are open keep what they have."""
    verbs.remove(session, policy_id, actor=actor, at=at)


def _out(policy: Policy) -> PolicyOut:
    shared = {name: getattr(policy, name) for name in PolicyOut.model_fields if name != "id"}
    return PolicyOut(id=policy.uuid, **shared)
