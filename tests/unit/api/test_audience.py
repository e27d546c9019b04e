"""Those who listen, and whether they still may."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from api import audience
from api.accounts.service import Person
from api.audience import Audience, Listener
from db.states import Role
from tests.sights import person

NEEDS = frozenset({Role.CUSTOMER})


def listener(user_id: int) -> Listener:
    at = datetime.now(UTC)
    return Listener(person(user_id), needs=NEEDS, expires_at=at + timedelta(hours=1), at=at)


async def test_who_joins_while_rights_are_looked_up_keeps_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    listeners = Audience[Listener]()
    known, late = listener(1), listener(2)
    listeners.join(known)
    checked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look_up(_: object, users: set[UUID], __: object) -> tuple[dict[UUID, Person], set[UUID]]:
        asyncio.run_coroutine_threadsafe(join(), loop).result()
        return {each: person(each.int) for each in users}, set()

    async def join() -> None:
        if checked.is_set():
            return
        listeners.join(late)
        checked.set()

    monkeypatch.setattr(audience, "_look_up", look_up)
    keeping = asyncio.create_task(listeners.keep_rights(None, every_s=0.01))  # type: ignore[arg-type]
    await checked.wait()
    await asyncio.sleep(0.05)
    keeping.cancel()
    assert not known.ending.done()
    assert not late.ending.done()


async def test_who_has_no_account_any_more_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    listeners = Audience[Listener]()
    gone = listener(1)
    listeners.join(gone)
    monkeypatch.setattr(audience, "_look_up", lambda *_: ({}, set()))
    keeping = asyncio.create_task(listeners.keep_rights(None, every_s=0.01))  # type: ignore[arg-type]
    assert await gone.ending == (4401, "no such account")
    keeping.cancel()


async def test_who_cannot_keep_up_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "_BACKLOG", 2)
    slow = listener(1)
    for text in ("one", "two"):
        slow.say(text)
    assert not slow.ending.done()
    slow.say("three")
    assert (await slow.ending)[0] == 1013
