"""What a wearer is told of their own call: whoever holds their phone may be the danger. Pure."""

from collections.abc import Iterable, Iterator

from api.sos.schemas import DeskRef, EventOut

_OF_OTHERS = frozenset(
    {"merge_proposed", "merge_dismissed", "merged", "unmerged", "took_in", "let_go", "heard_of_merged"}
)
"""Who else called is not theirs to know."""
_OF_HELPERS = frozenset({"helper_declined", "helpers_silent", "helper_nudged", "helpers_released"})
"""Nor who could not come."""


def told(lines: Iterable[EventOut]) -> Iterator[EventOut]:
    """Their timeline, without what a desk noted; a duress pin ended it, until they pressed again."""
    seems_over = False
    for line in lines:
        if line.kind == "joined":
            seems_over = False
        if seems_over or line.kind in _OF_OTHERS | _OF_HELPERS:
            continue
        if line.kind == "cancelled_under_duress":
            seems_over = True
            line = line.model_copy(update={"kind": "resolved"})
        yield line.model_copy(update={"detail": {}, "by": by_first_name(line.by)})


def by_first_name(person: DeskRef | None) -> DeskRef | None:
    """Of those who answer, a first name is enough to call them by."""
    if person is None:
        return None
    return person.model_copy(update={"full_name": next(iter(person.full_name.split()), "")})
