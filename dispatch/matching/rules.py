"""Who may go, and why another may not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from broker.frames import SosType
from broker.topics import may_see_region
from db.states import Skill

FRESH = timedelta(seconds=180)
"""A place that is older says nothing of who is near."""

WIDER_M = 10_000
"""In the wider ring everybody within this distance is asked, however far they usually go."""

LEAST_RADIUS_M, MOST_RADIUS_M = 100, 50_000

HALF_LIFE = timedelta(days=90)
"""After so long an answer counts half."""

_MEDICAL = frozenset({Skill.FIRST_AID, Skill.NURSE, Skill.DOCTOR})
FITTING: dict[str, frozenset[Skill]] = {
    SosType.FALL: _MEDICAL | {Skill.LIFTING, Skill.KEYHOLDER},
    SosType.HEART: _MEDICAL | {Skill.AED},
    SosType.CRASH: _MEDICAL | {Skill.MECHANIC},
    SosType.IMMOBILE: _MEDICAL | {Skill.AED, Skill.KEYHOLDER},
    SosType.BUTTON: _MEDICAL,
    SosType.MANUAL: _MEDICAL,
}
"""What helps in which need."""


class Reason(StrEnum):
    """Why somebody is not asked."""

    NOT_AVAILABLE = "not_available"
    PLACE_TOO_OLD = "place_too_old"
    TOO_FAR = "too_far"
    ACCOUNT_BLOCKED = "account_blocked"
    NO_HELPER = "no_helper"  # the role was taken away
    OTHER_REGION = "other_region"
    ASKED_ALREADY = "asked_already"
    ON_ANOTHER_CALL = "on_another_call"
    IS_THE_WEARER = "is_the_wearer"
    CANNOT_BE_REACHED = "cannot_be_reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What decides whether a helper may be asked to come to an incident."""

    available: bool
    place_at: datetime
    distance_m: float
    radius_m: int
    active: bool = True
    is_helper: bool = True
    regions: Sequence[str] | None = field(default=None)
    asked: bool = False
    busy: bool = False
    is_wearer: bool = False
    reachable: bool = True


def reach_m(radius_m: int, *, wider: bool) -> int:
    """How far somebody is asked to go."""
    return max(radius_m, WIDER_M) if wider else radius_m


def find_reasons(who: Standing, *, region: str, wider: bool, at: datetime) -> list[Reason]:
    """Everything that speaks against asking them; nothing means they may go."""
    against = {
        Reason.NO_HELPER: not who.is_helper,
        Reason.ACCOUNT_BLOCKED: not who.active,
        Reason.IS_THE_WEARER: who.is_wearer,
        Reason.NOT_AVAILABLE: not who.available,
        Reason.PLACE_TOO_OLD: at - who.place_at > FRESH,
        Reason.TOO_FAR: who.distance_m > reach_m(who.radius_m, wider=wider),
        Reason.OTHER_REGION: not may_see_region(who.regions, region),
        Reason.ASKED_ALREADY: who.asked,
        Reason.ON_ANOTHER_CALL: who.busy,
        Reason.CANNOT_BE_REACHED: not who.reachable,
    }
    return [reason for reason, holds in against.items() if holds]
