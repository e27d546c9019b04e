"""Whom to ask first: the fewest of whom somebody will most likely come. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

ENOUGH_CHANCE = 0.95
"""How sure it shall be that one of those asked says yes."""

MOST = 12
"""More are never asked at once: who is asked in vain too often answers no more."""


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """Somebody who may be asked."""

    who: T
    chance: float
    worth_s: float  # the time until they are there, shortened by what they can do


def joint(chances: Iterable[float]) -> float:
    """The chance that at least one of them says yes."""
    return 1 - math.prod(1 - chance for chance in chances)


def choose(
    choices: Sequence[Choice[T]], *, enough: float = ENOUGH_CHANCE, most: int = MOST
) -> list[Choice[T]]:
    """The smallest set of whom one will come with this chance, or as many as may be asked; the best first.

    Of equally small sets one of those who are there sooner, and can do more, as long as the chance holds.
    """
    by_chance = sorted(choices, key=lambda each: (-each.chance, each.worth_s))
    wave: list[Choice[T]] = []
    for each in by_chance[:most]:
        wave.append(each)
        if joint(other.chance for other in wave) >= enough:
            break
    rest = by_chance[len(wave) :]
    return sorted(_sooner(wave, rest, enough), key=lambda each: (each.worth_s, -each.chance))


def _sooner(wave: list[Choice[T]], rest: list[Choice[T]], enough: float) -> list[Choice[T]]:
    """Put those who are sooner in the place of those who are latest, where the chance still suffices."""
    wave = list(wave)
    if joint(each.chance for each in wave) < enough:
        return wave
    for better in sorted(rest, key=lambda each: each.worth_s):
        latest = max(range(len(wave)), key=lambda index: wave[index].worth_s)
        others = [each for index, each in enumerate(wave) if index != latest]
        if better.worth_s >= wave[latest].worth_s:
            break
        if joint(each.chance for each in [*others, better]) >= enough:
            wave[latest] = better
    return wave
