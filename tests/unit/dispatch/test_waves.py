"""Whom to ask first, by property."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dispatch.matching import waves
from dispatch.matching.waves import ENOUGH_CHANCE, MOST, Choice, choose, joint

CHANCES = some.floats(0.02, 0.95)
CHOICES = some.lists(
    some.builds(Choice, who=some.integers(), chance=CHANCES, worth_s=some.floats(60, 3_600)), max_size=30
)
FEW = some.lists(
    some.builds(Choice, who=some.integers(), chance=CHANCES, worth_s=some.floats(60, 3_600)), max_size=7
)


def chance(wave: list[Choice[int]]) -> float:
    return joint(each.chance for each in wave)


@given(FEW)
def test_no_smaller_set_would_do(choices: list[Choice[int]]) -> None:
    wave = choose(choices)
    for size in range(len(wave)):
        for smaller in itertools.combinations(choices, size):
            assert chance(list(smaller)) < ENOUGH_CHANCE


@given(CHOICES)
def test_a_wave_is_sure_enough_or_as_large_as_it_may_be(choices: list[Choice[int]]) -> None:
    wave = choose(choices)
    assert chance(wave) >= ENOUGH_CHANCE or len(wave) == min(len(choices), MOST)
    assert len(wave) <= MOST
    assert all(each in choices for each in wave)


@given(CHOICES, some.builds(Choice, who=some.integers(), chance=CHANCES, worth_s=some.floats(60, 3_600)))
def test_another_helper_never_makes_a_wave_less_sure_nor_larger(
    choices: list[Choice[int]], another: Choice[int]
) -> None:
    before, after = choose(choices), choose([*choices, another])
    if chance(before) >= ENOUGH_CHANCE:
        assert chance(after) >= ENOUGH_CHANCE
        assert len(after) <= len(before)
    else:
        assert chance(after) >= chance(before) - 1e-9


@given(CHOICES, some.floats(0.1, 0.99), some.floats(0.1, 0.99))
def test_who_wants_to_be_surer_asks_no_fewer(choices: list[Choice[int]], one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert len(choose(choices, enough=less)) <= len(choose(choices, enough=more))


@given(CHOICES)
def test_the_order_in_which_helpers_are_found_changes_nothing_about_the_number(
    choices: list[Choice[int]],
) -> None:
    assert len(choose(choices[::-1])) == len(choose(choices))


def test_of_equally_small_waves_those_are_asked_who_are_there_sooner() -> None:
    far = Choice("far", 0.97, 900)
    near = Choice("near", 0.96, 120)
    assert [each.who for each in waves.choose([far, near])] == ["near"]


def test_nobody_makes_no_wave() -> None:
    assert choose([]) == []
    assert joint([]) == pytest.approx(0)
