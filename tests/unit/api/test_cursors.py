"""Cursors."""

import base64
import uuid

import pytest

from api import paging
from api.refusals import WrongField
from tests.builders import NOON

KEY = uuid.UUID("0b8cf0a5-3f3c-4a1e-9f0e-6a4f1d7b2c11")


def test_a_cursor_is_read_back() -> None:
    assert paging.read_cursor(paging.write_cursor(NOON, KEY), uuid.UUID) == (NOON, KEY)


def test_no_cursor_is_the_beginning() -> None:
    assert paging.read_cursor(None, uuid.UUID) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "?",
        "ä",
        "AAAA",
        paging.write_cursor(NOON, "no uuid"),
        paging.write_cursor(NOON.replace(tzinfo=None), KEY),
        base64.urlsafe_b64encode(b"\xff\xff \xff").decode(),
    ],
)
def test_what_is_no_cursor_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(WrongField) as refusal:
        paging.read_cursor(cursor, uuid.UUID)
    assert refusal.value.field == "cursor"


def test_a_page_has_a_cursor_only_when_more_follows() -> None:
    assert paging.cut([1, 2, 3], 3, str) == ([1, 2, 3], None)
    assert paging.cut([1, 2, 3, 4], 3, str) == ([1, 2, 3], "3")
