"""Answers held against what a source documents, field by field."""

from collections.abc import Callable
from typing import Any

from httpx2 import Response

Expected = Any
"""A value, a type, a question that is answered with true or false, or a dict or list of these."""


def text(said: Any) -> bool:
    """Some text, and not an empty one."""
    return isinstance(said, str) and bool(said)


def integer(said: Any) -> bool:
    """A whole number; a truth value is none."""
    return isinstance(said, int) and not isinstance(said, bool)


def one_of(*allowed: Any) -> Callable[[Any], bool]:
    return lambda said: said in allowed


def differences(expected: Expected, said: Any, place: str = "answer") -> list[str]:
    """Each field that is not as documented, by its place; fields nobody documented are ignored."""
    match expected:
        case dict():
            if not isinstance(said, dict):
                return [f"{place}: {said!r} is no object"]
            missing = [f"{place}.{name}: is missing" for name in expected if name not in said]
            there = [name for name in expected if name in said]
            return missing + [
                each for name in there for each in differences(expected[name], said[name], f"{place}.{name}")
            ]
        case list():
            if not isinstance(said, list) or len(said) != len(expected):
                return [f"{place}: {said!r} is no list of {len(expected)}"]
            return [
                each
                for number, (want, got) in enumerate(zip(expected, said, strict=True))
                for each in differences(want, got, f"{place}.{number}")
            ]
        case type():
            fits = type(said) is expected
        case _ if callable(expected):
            fits = expected(said)
        case _:
            fits = said == expected and type(said) is type(expected)
    return [] if fits else [f"{place}: {said!r} is not {getattr(expected, '__name__', repr(expected))}"]


def check(answer: Response, status: int, expected: Expected) -> Any:
    """The answer's JSON, after it was found as documented."""
    assert answer.status_code == status, answer.text
    said = answer.json()
    assert differences(expected, said) == []
    return said
