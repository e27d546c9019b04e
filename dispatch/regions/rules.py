"""What a region may be. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from broker.topics import DEFAULT_REGION, is_region
from dispatch.shapes import Shape, find_faults

MOST_VERTICES = 10_000

SLUG_EXPECTED = "must be 1 to 63 characters: a-z, 0-9, _ and -, beginning with a letter or digit"

Faults = dict[str, str]
"""What is wrong, by the field it is wrong with."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A region as somebody wants it; one without an area only groups others."""

    slug: str
    name: str
    parent: str | None = None
    priority: int = 0
    area: Shape | None = None


def faults_of(draft: Draft) -> Faults:
    """All that can be told of a draft alone."""
    faults: Faults = {}
    if not is_region(draft.slug):
        faults["properties.slug"] = SLUG_EXPECTED
    if draft.slug == DEFAULT_REGION:
        if draft.area is not None:
            faults["geometry"] = "must be null: default takes what lies in no other region"
        if draft.parent is not None:
            faults["properties.parent"] = "must be null: default has no parent"
    elif draft.parent == DEFAULT_REGION:
        faults["properties.parent"] = "default has no children: it takes what lies in no other region"
    if draft.area is not None and (found := find_faults(draft.area, most_vertices=MOST_VERTICES)):
        faults.setdefault("geometry", "; ".join(found))
    return faults


def find_cycle(parents: Mapping[str, str | None], start: Iterable[str]) -> list[str] | None:
    """A region that would be its own ancestor, with the way around, beginning at one of `start`."""
    for slug in start:
        way = [slug]
        while (above := parents.get(way[-1])) is not None:
            if above == slug:
                return [*way, slug]
            if above in way:
                break  # a circle, but not through this one: it is found from a slug within it
            way.append(above)
    return None
