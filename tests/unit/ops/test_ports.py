"""Which port each listener gets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ops.ports import USUAL, Register, choose, free_on
from ops.trouble import Trouble


def all_but(*taken: int) -> Callable[[int], bool]:
    return lambda port: port not in taken


def test_the_usual_ports_are_taken_where_they_are_free() -> None:
    assert choose(asked={}, remembered={}, reserved=set(), is_free=all_but()) == USUAL


def test_a_taken_port_is_passed_over_for_one_near_it() -> None:
    chosen = choose(asked={}, remembered={}, reserved=set(), is_free=all_but(1883, 1893))
    assert chosen["mqtt"] == 1903
    assert chosen["api"] == USUAL["api"]


def test_a_stack_keeps_its_ports_while_they_are_free() -> None:
    chosen = choose(asked={}, remembered={"api": 8120, "mqtt": 1999}, reserved=set(), is_free=all_but(1999))
    assert chosen["api"] == 8120
    assert chosen["mqtt"] == USUAL["mqtt"]


def test_a_port_reserved_by_another_stack_is_left_to_it_even_while_that_one_is_down() -> None:
    chosen = choose(asked={}, remembered={}, reserved={8000}, is_free=all_but())
    assert chosen["api"] == 8010


def test_no_two_listeners_share_a_port() -> None:
    chosen = choose(
        asked={"MAYDAY_API_PORT": "1883"}, remembered={"redis": 8883}, reserved=set(), is_free=all_but()
    )
    assert chosen["api"] == 1883
    assert len(set(chosen.values())) == len(USUAL)


def test_a_port_asked_for_by_name_and_taken_is_one_line_of_trouble() -> None:
    with pytest.raises(Trouble, match=r"^port 8000 is taken .* MAYDAY_API_PORT to another$"):
        choose(asked={"MAYDAY_API_PORT": "8000"}, remembered={}, reserved=set(), is_free=all_but(8000))


@pytest.mark.parametrize("text", ["http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Trouble, match="is no port number"):
        choose(asked={"MAYDAY_API_PORT": text}, remembered={}, reserved=set(), is_free=all_but())


def test_an_address_this_host_does_not_have_is_told_apart_from_a_taken_port() -> None:
    with pytest.raises(Trouble, match=r"no address 192\.0\.2\.1"):
        free_on("192.0.2.1")(8000)


def test_two_homes_get_different_ports_and_find_their_own_again(tmp_path: Path) -> None:
    register = Register(tmp_path / "cache")
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    first = register.claim(one, asked={}, is_free=all_but())
    second = register.claim(two, asked={}, is_free=all_but())
    assert not set(first.values()) & set(second.values())
    assert register.claim(one, asked={}, is_free=all_but()) == first


def test_the_ports_of_a_home_that_is_gone_are_free_again(tmp_path: Path) -> None:
    register = Register(tmp_path / "cache")
    gone, new = tmp_path / "gone", tmp_path / "new"
    gone.mkdir()
    new.mkdir()
    ports = register.claim(gone, asked={}, is_free=all_but())
    gone.rmdir()
    assert register.claim(new, asked={}, is_free=all_but()) == ports
