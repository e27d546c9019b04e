"""Sending and spending codes; nobody can tell from outside whether there is such a person."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.accounts.addresses import origin_of
from api.accounts.phones import is_phone
from api.accounts.service import find_user, owns
from api.codes import limits, rules
from broker.settings import BrokerSettings
from db import notifications
from db.models import Code, User
from db.seal import Seal
from db.states import CodePurpose, UserStatus

_MINUTES = str(int(rules.LIFE.total_seconds()) // 60)


@dataclass(frozen=True, slots=True)
class Keys:
    """What the database must not know: how codes are hashed, and how messages to people are sealed."""

    hashing: bytes
    seal: Seal

    @classmethod
    def of(cls, settings: BrokerSettings) -> "Keys":
        """Both, from the stack's secret."""
        return cls(bytes.fromhex(settings.derive("codes")), Seal(settings.derive("messages")))


def send(
    session: Session, purpose: CodePurpose, subject: str, *, keys: Keys, address: str, at: datetime
) -> None:
    """Have a code told to whoever owns `subject`, a phone number or an email address.

    TooManyTries says how long to wait. A stranger costs the same work, and the same of every limit.
    """
    origin = limits.make_room(session, purpose, subject, address, at)
    _issue_to_owner(session, purpose, subject, keys=keys, origin=origin, at=at)


def send_first(session: Session, subjects: Sequence[str], *, keys: Keys, address: str, at: datetime) -> None:
    """Have each of these proven by a first code, in the transaction in which their owner registers.

    What the limits forbid is left out: nobody fails to register for it, and it can be asked for later.
    """
    origin = origin_of(address)
    limits.hold(session, subjects, origin)
    for subject in subjects:
        if not limits.wait(session, CodePurpose.VERIFY, subject, origin, at):
            _issue_to_owner(session, CodePurpose.VERIFY, subject, keys=keys, origin=origin, at=at)


def send_to_claimant(
    session: Session, claimant: User, subject: str, *, keys: Keys, address: str, at: datetime
) -> None:
    """Have a code told to what `claimant` says is theirs, whoever has it now; nobody else can show it."""
    origin = limits.make_room(session, CodePurpose.VERIFY, subject, address, at)
    _issue(
        session,
        CodePurpose.VERIFY,
        subject,
        claimant=claimant.uuid,
        language=claimant.language,
        keys=keys,
        origin=origin,
        at=at,
    )


def spend(
    session: Session, purpose: CodePurpose, subject: str, code: str, *, keys: Keys, at: datetime
) -> User | None:
    """Whoever owns `subject`, when the code is the one that was sent last; it is good once.

    A wrong try counts, and that must be committed: so it is answered, not raised.
    """
    shown = rules.digest(keys.hashing, purpose, subject, code)
    return find_user(session, subject) if _spend(session, purpose, subject, shown, at) else None


def spend_claim(
    session: Session, claimant: uuid.UUID, subject: str, code: str, *, keys: Keys, at: datetime
) -> bool:
    """The same for a code that was sent to a claimant: whether `subject` is theirs indeed."""
    shown = rules.digest(keys.hashing, CodePurpose.VERIFY, subject, code, claimant=claimant)
    return _spend(session, CodePurpose.VERIFY, subject, shown, at)


def tell(
    session: Session,
    to: str,
    text: str,
    *,
    language: str,
    until_at: datetime,
    keys: Keys,
    at: datetime,
    about: uuid.UUID | None = None,
    channel: str | None = None,
    **values: str,
) -> None:
    """Have `text`, one of notifier.texts, told to a phone number or an email address, whoever has it now."""
    message = {
        "to": to,
        "text": text,
        "language": language,
        "values": values,
        "until": until_at.isoformat(),
    }
    channel = channel or ("sms" if is_phone(to) else "mail")
    notifications.request(session, channel, about or uuid.uuid4(), at=at, sealed=keys.seal.close(message))


def prove(user: User, subject: str, *, at: datetime) -> None:
    """Note that the phone number or email address is theirs; the first time counts."""
    if is_phone(subject):
        user.phone_verified_at = user.phone_verified_at or at
    else:
        user.email_verified_at = user.email_verified_at or at


def _issue_to_owner(
    session: Session, purpose: CodePurpose, subject: str, *, keys: Keys, origin: str, at: datetime
) -> None:
    owner = session.execute(select(User.status, User.language).where(owns(subject))).one_or_none()
    _issue(
        session,
        purpose,
        subject,
        language=owner.language if owner else "en",
        channel=None if owner and owner.status == UserStatus.ACTIVE else "nobody",
        keys=keys,
        origin=origin,
        at=at,
    )


def _issue(
    session: Session,
    purpose: CodePurpose,
    subject: str,
    *,
    claimant: uuid.UUID | None = None,
    language: str,
    channel: str | None = None,
    keys: Keys,
    origin: str,
    at: datetime,
) -> None:
    code = f"{secrets.randbelow(10**rules.DIGITS):0{rules.DIGITS}d}"
    row = Code(
        id=uuid.uuid4(),
        purpose=purpose,
        subject=subject,
        code_hash=rules.digest(keys.hashing, purpose, subject, code, claimant=claimant),
        address=origin,
        created_at=at,
        expires_at=at + rules.LIFE,
    )
    session.add(row)
    tell(
        session,
        subject,
        f"code.{purpose}",
        language=language,
        until_at=row.expires_at,
        keys=keys,
        at=at,
        about=row.id,
        channel=channel,
        code=code,
        minutes=_MINUTES,
    )


def _spend(session: Session, purpose: CodePurpose, subject: str, shown: str, at: datetime) -> bool:
    sent = session.scalar(
        select(Code)
        .where(Code.purpose == purpose, Code.subject == subject)
        .order_by(Code.created_at.desc())
        .limit(1)
        .with_for_update()
    )
    if sent is None or not rules.is_open(
        expires_at=sent.expires_at, used=sent.used_at is not None, tries=sent.tries, at=at
    ):
        return False
    sent.tries += 1
    if not rules.is_same(shown, sent.code_hash):
        return False
    sent.used_at = at
    return True
