"""The steps of an escalation: whom each asks, and when the next is due. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NotRequired, TypedDict

SHORTEST_REPEAT_S = 15
LONGEST_REPEAT_S = 3_600
LONGEST_S = 86_400
MOST_STEPS = 20


class Target(StrEnum):
    """Whom a step can ask."""

    HELPERS = "helpers"  # the nearest
    WIDER_RING = "wider_ring"  # those further away, too
    DISPATCHERS = "dispatchers"  # on duty
    GUARDIANS = "guardians"  # whom the wearer trusts
    SUPERVISOR = "supervisor"


class Step(TypedDict):
    """So many seconds after the opening, whom to ask."""

    after_s: float
    whom: list[str]
    note: NotRequired[str]


class NextStep(TypedDict):
    """What comes unless somebody answers."""

    what: str
    whom: list[str]
    due_at: datetime


DEFAULT_NAME = "default"

DEFAULT_POLICY: list[Step] = [
    {"after_s": 0, "whom": ["helpers", "dispatchers"]},
    {"after_s": 30, "whom": ["wider_ring", "dispatchers"]},
    {"after_s": 60, "whom": ["guardians"]},
    {"after_s": 120, "whom": ["supervisor"]},
]
"""What holds where nobody wrote a policy."""

DEFAULT_REPEAT_S = 60
"""How often the last step is repeated; only a person ends an escalation."""


def find_faults(steps: Sequence[Step]) -> dict[str, str]:
    """What is wrong with steps as somebody wrote them, by the field it is wrong with."""
    faults: dict[str, str] = {}
    before_s = 0.0
    for number, step in enumerate(steps):
        if number == 0 and step["after_s"] != 0:
            faults["steps.0.after_s"] = "must be 0: the first step is taken at once"
        elif step["after_s"] < before_s:
            faults[f"steps.{number}.after_s"] = f"must not be less than {before_s:g}, the step above"
        before_s = max(before_s, step["after_s"])
        if len(set(step["whom"])) < len(step["whom"]):
            faults[f"steps.{number}.whom"] = "must not name anybody twice"
    return faults


def is_last(policy: Sequence[Step], level: int) -> bool:
    """Whether nothing follows this level but itself."""
    return level + 1 >= len(policy)


def gap_after(policy: Sequence[Step], level: int, *, repeat_s: int) -> timedelta:
    """How long a level waits for an answer before the next."""
    if is_last(policy, level):
        return timedelta(seconds=repeat_s)
    return timedelta(seconds=policy[level + 1]["after_s"] - policy[level]["after_s"])


def next_due(
    policy: Sequence[Step], *, level: int, repeat_s: int, reached: bool, due_at: datetime, at: datetime
) -> datetime:
    """When the step after `level` is due, `level` having been due at `due_at` and taken at `at`.

    A step that was missed stays due when it was: it is caught up at once, for the wearer has waited all that
    time, and knows how late it comes. One that reached nobody is not waited for. Neither holds for repeats:
    so it never runs hot.
    """
    if is_last(policy, level):
        return at + timedelta(seconds=repeat_s)
    if not reached:
        return at
    return due_at + gap_after(policy, level, repeat_s=repeat_s)


def whom_at(policy: Sequence[Mapping[str, Any]], level: int) -> list[str]:
    """Whom a level asks; beyond the policy's end, its last."""
    whom = policy[min(level, len(policy) - 1)]["whom"]
    # Incidents from before there were policies name one.
    return [whom] if isinstance(whom, str) else list(whom)


def next_step(policy: Sequence[Step], level: int, due_at: datetime) -> NextStep:
    """What comes after `level`, for those who look on."""
    return {"what": "escalation", "whom": whom_at(policy, level + 1), "due_at": due_at}
