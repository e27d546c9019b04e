"""What a link to an order shows."""

import re
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as some

from api.live.words import WORDS as COMMON
from api.orders.sights import Coming, Someone
from api.track import drawing
from api.track.drawing import Picture, draw
from api.track.page import HEADERS, render
from api.track.view import show
from api.track.words import WORDS, far, wait
from db.states import OrderState, Service
from dispatch.orders import rules
from tests.sights import NOON, an_order, place

SOON = NOON + timedelta(seconds=30)


def test_every_language_has_every_word() -> None:
    assert set(WORDS) == set(COMMON)
    for words in WORDS.values():
        assert set(words) == set(WORDS["en"])


@pytest.mark.parametrize("language", sorted(WORDS))
@pytest.mark.parametrize("service", sorted(Service))
@pytest.mark.parametrize("state", sorted(OrderState))
def test_every_state_of_every_service_is_told_in_every_language(
    language: str, service: Service, state: OrderState
) -> None:
    ended_at = SOON if state in rules.ENDED else None
    view = show(an_order(state, service=service, ended_at=ended_at), language=language, at=SOON)
    assert view.over == (state in rules.ENDED)
    page = render(view)
    assert f'<html lang="{language}">' in page
    assert "{" not in view.headline + view.lede
    assert view.headline in page
    assert "Karimova" not in page
    assert "Aliyev" not in page


def test_who_comes_is_shown_with_their_vehicle_and_when_they_are_there() -> None:
    view = show(an_order(), language="en", at=SOON)
    assert view.headline == "Aziza ordered a tow truck"
    assert view.lede == "Jasur is on the way."
    assert (view.driver, view.vehicle, view.registration) == ("Jasur", "Isuzu NPR, white", "01A777AA")
    assert view.eta is not None
    assert re.fullmatch(r"There in about \d+\u00a0min", view.eta)
    assert (view.heard, view.stale) == ("Jasur, just now", None)


def test_an_old_place_is_shown_as_one_with_its_age_and_promises_nothing() -> None:
    view = show(an_order(), language="en", at=NOON + timedelta(minutes=7))
    assert view.eta is None
    assert view.heard is None
    assert view.stale == "Jasur was last heard of 7 min ago and may be somewhere else by now."
    assert view.picture is not None
    assert 'class="driver stale"' in view.picture


def test_before_somebody_accepts_and_after_the_end_no_place_is_shown() -> None:
    for state in (*rules.WAITING, *rules.ENDED):
        ended_at = SOON if state in rules.ENDED else None
        view = show(an_order(state, place=place(), ended_at=ended_at), language="en", at=SOON)
        assert (view.picture, view.driver, view.eta, view.heard) == (None, None, None, None)


def test_a_driver_of_whom_nothing_was_heard_is_told_so() -> None:
    view = show(an_order(place=None), language="en", at=SOON)
    assert view.heard == "Where Jasur is, is not known yet."
    assert view.picture is None


def test_an_order_for_later_says_when() -> None:
    later = an_order(OrderState.REQUESTED, scheduled_at=NOON + timedelta(hours=5))
    assert show(later, language="en", at=NOON).lede == "It is for later: in 5 h."
    assert show(later, language="en", at=NOON + timedelta(hours=4, minutes=40)).lede == (
        "We are looking for a driver."
    )


def test_how_it_ended_is_remembered_for_a_day() -> None:
    ended = an_order(OrderState.CANCELLED, ended_at=NOON)
    assert show(ended, language="en", at=NOON + timedelta(hours=23)).lede == "The order was cancelled."
    assert show(ended, language="en", at=NOON + timedelta(hours=25)).lede == "The order has ended."


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = render(show(an_order(), language="en", at=SOON))
    assert "http" not in page.replace('http-equiv="refresh"', "")
    assert "style=" not in page
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert len(page.encode()) < 20_000


def test_what_people_call_themselves_is_text_and_nothing_else() -> None:
    wicked = "<script>alert(1)</script>"
    order = an_order(
        driver=Someone(2, wicked),
        customer=Someone(1, wicked),
        vehicle=Coming(4, "truck", wicked, '"><img src=x>'),
        address=wicked,
    )
    page = render(show(order, language="en", at=SOON))
    assert "<script>alert" not in page
    assert "<img" not in page


@given(
    some.floats(-80, 80),
    some.floats(-180, 180),
    some.floats(-0.9, 0.9),
    some.floats(-0.9, 0.9),
    some.booleans(),
)
def test_whoever_comes_is_always_in_the_picture(
    lat: float, lon: float, north: float, east: float, stale: bool
) -> None:
    here = (lat + north, (lon + east + 180) % 360 - 180)
    picture = Picture(goal=(lat, lon), goal_name="A & B", here=here, here_name="<J>", stale=stale)
    root = ElementTree.fromstring(draw(picture, WORDS["en"], title="t"))
    (driver,) = [each for each in root.iter("g") if each.get("class", "").startswith("driver")]
    x, y = (float(each) for each in re.findall(r"-?[\d.]+", driver.get("transform", "")))
    assert 0 <= x <= drawing.WIDTH
    assert 0 <= y <= drawing.HEIGHT
    assert float(root.get("data-scale", "0")) > 0


def test_north_is_up_and_east_is_right() -> None:
    def spot(here: tuple[float, float]) -> tuple[float, float]:
        svg = draw(Picture(goal=(41.0, 69.0), goal_name="", here=here), WORDS["en"], title="")
        found = re.search(r'class="driver" transform="translate\(([\d.]+) ([\d.]+)\)"', svg)
        assert found is not None
        return float(found[1]), float(found[2])

    assert spot((41.01, 69.0))[1] < drawing.HEIGHT / 2
    assert spot((41.0, 69.01))[0] > drawing.WIDTH / 2


def test_the_scale_changes_in_steps_alone() -> None:
    assert drawing.reach_of(None) == 300
    assert drawing.reach_of((0, 299)) == 300
    assert drawing.reach_of((301, 0)) == 600
    assert drawing.reach_of((0, 250_000)) == 300_000


def test_distances_and_waits_are_said_as_people_say_them() -> None:
    words = WORDS["en"]
    assert [far(words, each) for each in (150, 1_000, 1_500)] == ["150 m", "1 km", "1.5 km"]
    assert [wait(words, timedelta(minutes=each)) for each in (0, 45, 300, 3_000)] == [
        "in 1 min",
        "in 45 min",
        "in 5 h",
        "in 2 d",
    ]


def test_the_goal_is_the_meeting_point_and_then_the_destination() -> None:
    coming = show(replace(an_order(), service=Service.RIDE), language="en", at=SOON)
    riding = show(an_order(OrderState.IN_PROGRESS, service=Service.RIDE), language="en", at=SOON)
    for view, goal in ((coming, "Meeting point"), (riding, "Destination")):
        assert view.picture is not None
        found = re.search(r'class="goal".*?<text[^>]*>([^<]*)<', view.picture)
        assert found is not None
        assert found[1] == goal
    assert riding.eta is not None
    assert riding.eta.startswith("At the destination")
