"""Bodies of more than one shape: two contracts on one path, two kinds of people in one contract."""

from collections.abc import Callable, Collection
from typing import Any

MDD = "as mdd"
EVACUATOR = "as evacuator"
CLIENT = "as a client"
ASSISTANT = "as an assistant"
SHAPES = frozenset({MDD, EVACUATOR, CLIENT, ASSISTANT})
"""How the shapes are called where a wrong field's place is told; they are no part of that place."""


def told_by(*, evacuator: Collection[str], mdd: Collection[str]) -> Callable[[Any], str]:
    """What has words of evacuator's alone is evacuator's; all else, rubbish included, is mdd's."""

    def shape(body: Any) -> str:
        # A body that has been read already is an object with the fields of its shape.
        said = body if isinstance(body, dict) else getattr(body, "__dict__", {})
        ours = not said.keys().isdisjoint(evacuator) and said.keys().isdisjoint(mdd)
        return EVACUATOR if ours else MDD

    return shape
