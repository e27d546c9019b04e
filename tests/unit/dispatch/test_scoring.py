"""What is expected of a helper, by property."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from db.states import Skill
from dispatch.matching import rules, scoring
from dispatch.matching.rules import FRESH, Reason, Standing, find_reasons
from dispatch.matching.scoring import History, Score, score

NOON = datetime(2026, 1, 1, 7, 20, tzinfo=UTC)  # by the sun over Tashkent
NIGHT = NOON + timedelta(hours=14)
LON = 69.24

METRES = some.floats(0, 50_000)
HISTORIES = some.integers(0, 40).flatmap(
    lambda asked: some.builds(History, asked=some.just(float(asked)), accepted=some.floats(0, asked))
)


def expect(
    metres: float = 400.0,
    history: History | None = None,
    *,
    skills: tuple[str, ...] = (),
    sos_type: str = "fall",
    at: datetime = NOON,
) -> Score:
    return score(
        history=history or History(), distance_m=metres, skills=skills, sos_type=sos_type, lon=LON, at=at
    )


@given(METRES, METRES, HISTORIES)
def test_who_is_farther_is_neither_likelier_nor_sooner(one: float, other: float, history: History) -> None:
    near, far = expect(min(one, other), history), expect(max(one, other), history)
    assert near.chance >= far.chance
    assert near.eta_s <= far.eta_s


@given(METRES, HISTORIES)
def test_a_yes_makes_the_next_likelier_and_a_no_less_likely(metres: float, history: History) -> None:
    said_yes = History(history.asked + 1, history.accepted + 1)
    said_no = History(history.asked + 1, history.accepted)
    assert expect(metres, said_yes).chance >= expect(metres, history).chance
    assert expect(metres, said_no).chance <= expect(metres, history).chance


@given(METRES, HISTORIES)
def test_nobody_is_certain(metres: float, history: History) -> None:
    assert scoring.LEAST <= expect(metres, history).chance <= scoring.MOST


def test_who_was_never_asked_answers_as_volunteers_do() -> None:
    assert expect(0).chance == pytest.approx(0.32, abs=0.001)
    assert expect(0, at=NIGHT).chance == pytest.approx(0.22, abs=0.001)
    assert expect(0, at=NIGHT).eta_s > expect(0).eta_s


def test_who_nearly_always_comes_is_soon_believed() -> None:
    assert expect(0, History(20, 19)).chance > 0.75


@pytest.mark.parametrize(
    ("sos_type", "skill"),
    [("fall", "first_aid"), ("heart", "aed"), ("crash", "mechanic"), ("button", "nurse")],
)
def test_a_skill_that_is_needed_counts_as_being_there_sooner(sos_type: str, skill: str) -> None:
    able, other = expect(skills=(skill,), sos_type=sos_type), expect(sos_type=sos_type)
    assert able.worth_s < other.worth_s
    assert able.eta_s == other.eta_s
    assert able.terms["skills"] == [skill]


def test_a_skill_that_is_of_no_use_counts_nothing() -> None:
    assert expect(skills=(Skill.MECHANIC,), sos_type="heart").fit == 1.0


def test_on_foot_near_by_and_by_car_from_afar() -> None:
    assert scoring.quickest(100)[0] == "foot"
    assert scoring.quickest(5_000)[0] == "car"
    assert scoring.remaining_s(500, asked_m=5_000) < scoring.remaining_s(500, asked_m=300)


def standing(**said: object) -> Standing:
    known: dict[str, object] = {"available": True, "place_at": NOON, "distance_m": 500.0, "radius_m": 3_000}
    return Standing(**(known | said))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"available": False}, Reason.NOT_AVAILABLE),
        ({"place_at": NOON - FRESH - timedelta(seconds=1)}, Reason.PLACE_TOO_OLD),
        ({"distance_m": 3_001.0}, Reason.TOO_FAR),
        ({"active": False}, Reason.ACCOUNT_BLOCKED),
        ({"is_helper": False}, Reason.NO_HELPER),
        ({"regions": ["samarkand"]}, Reason.OTHER_REGION),
        ({"asked": True}, Reason.ASKED_ALREADY),
        ({"busy": True}, Reason.ON_ANOTHER_CALL),
        ({"is_wearer": True}, Reason.IS_THE_WEARER),
        ({"reachable": False}, Reason.CANNOT_BE_REACHED),
    ],
)
def test_each_thing_that_speaks_against_is_named(said: dict[str, object], reason: Reason) -> None:
    assert find_reasons(standing(**said), region="tashkent", wider=False, at=NOON) == [reason]


def test_nothing_speaks_against_who_is_near_and_ready() -> None:
    assert find_reasons(standing(regions=["tashkent"]), region="tashkent", wider=False, at=NOON) == []
    assert find_reasons(standing(regions=[]), region="default", wider=False, at=NOON) == []


@given(some.integers(100, 50_000))
def test_the_wider_ring_reaches_at_least_as_far(radius_m: int) -> None:
    wider = rules.reach_m(radius_m, wider=True)
    assert wider >= max(radius_m, rules.WIDER_M)
    assert rules.reach_m(radius_m, wider=False) == radius_m
