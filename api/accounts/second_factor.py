"""The second step of a login: enrolled by its owner, confirmed by a first code, spent code by code."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime

from cryptography.fernet import Fernet
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from api.accounts import totp
from api.accounts.opaque import digest
from api.refusals import WrongField
from db.models import RecoveryCode, SecondFactor
from dispatch.errors import Conflict

_RECOVERY_CODES = 10
_WRONG = "is not the code of this moment, or was used already"


class Vault:
    """Keeps the apps' secrets unreadable in the database; codes are made of them, so no hash would do."""

    def __init__(self, key: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))

    def close(self, secret: bytes) -> str:
        return self._fernet.encrypt(secret).decode()

    def open(self, sealed: str) -> bytes:
        return self._fernet.decrypt(sealed)


def is_needed(session: Session, user_id: int) -> bool:
    """Whether somebody has to say a code after the password."""
    factor = session.get(SecondFactor, user_id)
    return factor is not None and factor.confirmed_at is not None


def enrol(session: Session, user_id: int, *, vault: Vault) -> bytes:
    """A secret for an authenticator app; nothing is asked at the login until it is confirmed."""
    factor = _lock(session, user_id)
    if factor is not None and factor.confirmed_at is not None:
        raise Conflict("a second factor is confirmed already; take it away first")
    secret = totp.new_secret()
    if factor is not None:
        factor.secret = vault.close(secret)
    else:
        session.add(SecondFactor(user_id=user_id, secret=vault.close(secret), last_step=0))
    session.flush()
    return secret


def confirm(session: Session, user_id: int, said: str, *, vault: Vault, at: datetime) -> Sequence[str]:
    """From now on a code is needed; returns the recovery codes, which are shown this once."""
    factor = _lock(session, user_id)
    if factor is None or factor.confirmed_at is not None:
        raise Conflict("there is no second factor to be confirmed")
    if not _spend(factor, said, vault=vault, at=at):
        raise WrongField("code", _WRONG)
    factor.confirmed_at = at
    codes = [secrets.token_hex(8) for _ in range(_RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user_id, code_hash=_digest(code)) for code in codes)
    return codes


def accept(session: Session, user_id: int, said: str, *, vault: Vault, at: datetime) -> bool:
    """Spend a code of the app or a recovery code; neither is good a second time."""
    factor = _lock(session, user_id)
    if factor is None or factor.confirmed_at is None:
        return False
    if _spend(factor, said, vault=vault, at=at):
        return True
    spent = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == _digest(said),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=at)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(spent, CursorResult)
    return spent.rowcount == 1


def take_away(session: Session, user_id: int, said: str, *, vault: Vault, at: datetime) -> None:
    """Ask for no code any more, on a last one: a stolen token alone does not suffice."""
    if is_needed(session, user_id) and not accept(session, user_id, said, vault=vault, at=at):
        raise WrongField("code", _WRONG)
    remove(session, user_id)


def remove(session: Session, user_id: int) -> bool:
    """Ask for no code any more; true when one was asked for."""
    needed = is_needed(session, user_id)
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))
    return needed


def _spend(factor: SecondFactor, said: str, *, vault: Vault, at: datetime) -> bool:
    step = totp.find_step(vault.open(factor.secret), _plain(said), after=factor.last_step, at=at)
    if step is None:
        return False
    factor.last_step = step
    return True


def _lock(session: Session, user_id: int) -> SecondFactor | None:
    held = select(SecondFactor).where(SecondFactor.user_id == user_id).with_for_update()
    return session.scalar(held, execution_options={"populate_existing": True})


def _plain(said: str) -> str:
    return said.replace(" ", "").replace("-", "").lower()


def _digest(said: str) -> str:
    return digest(_plain(said))
