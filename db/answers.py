"""Answers kept beside the acts they tell of: the same request under the same key acts once."""

from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import KeptAnswer

KEPT = timedelta(hours=24)
"""How long a request may be sent again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for what, under which key of theirs."""

    user_id: int
    route: str
    key: str


def wait_for_turn(session: Session, asked: Asked) -> None:
    """Hold the key until the transaction ends; whoever asks the same meanwhile waits for its outcome."""
    name = "\n".join(["answer", *map(str, astuple(asked))])
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def find(session: Session, asked: Asked, *, at: datetime) -> KeptAnswer | None:
    """What was answered under this key, if that is not too long ago."""
    kept = session.get(KeptAnswer, astuple(asked))
    return kept if kept is not None and kept.at > at - KEPT else None


def keep(session: Session, asked: Asked, *, fingerprint: str, sealed: str, at: datetime) -> None:
    """Have this answered from now on, in place of what was kept too long ago."""
    session.merge(
        KeptAnswer(
            user_id=asked.user_id,
            route=asked.route,
            key=asked.key,
            fingerprint=fingerprint,
            sealed=sealed,
            at=at,
        )
    )
