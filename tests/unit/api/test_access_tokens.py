"""Access tokens: ours, unexpired, or refused."""

import uuid
from datetime import timedelta
from typing import Any

import jwt
import pytest

from api.accounts import tokens
from api.accounts.tokens import Signer
from api.refusals import Unauthenticated
from tests.builders import NOON

KEY = "k" * 64
SOMEBODY = uuid.uuid4()
signer = Signer(KEY)


def forged(key: str = KEY, algorithm: str = "HS256", **other: Any) -> str:
    good = jwt.decode(signer.issue(SOMEBODY, at=NOON), options={"verify_signature": False})
    claims = {name: value for name, value in (good | other).items() if value is not None}
    return jwt.encode(claims, key, algorithm)


def test_a_token_names_its_owner_until_it_expires() -> None:
    access = signer.read(signer.issue(SOMEBODY, at=NOON), at=NOON + tokens.LIFE - timedelta(seconds=1))
    assert access == tokens.Access(SOMEBODY, NOON + tokens.LIFE)


def test_an_expired_token_is_refused() -> None:
    with pytest.raises(Unauthenticated, match="expired"):
        signer.read(signer.issue(SOMEBODY, at=NOON), at=NOON + tokens.LIFE)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(forged(key="x" * 64), id="another key"),
        pytest.param(forged(algorithm="HS512"), id="another algorithm"),
        pytest.param(forged(key="", algorithm="none"), id="no signature"),
        pytest.param(forged(iss="somebody"), id="another issuer"),
        pytest.param(forged(aud="somewhere"), id="another audience"),
        pytest.param(forged(jti=None), id="no id"),
        pytest.param(forged(exp=None), id="no end"),
        pytest.param(forged(sub="1"), id="no uuid"),
        pytest.param(forged(exp="never"), id="an end that is no time"),
        pytest.param(forged(exp=10**30), id="an end beyond all time"),
        pytest.param("", id="nothing"),
        pytest.param("a.b.c", id="rubbish"),
        pytest.param("\ud800", id="no text"),
    ],
)
def test_a_token_that_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated, match="not one of ours"):
        signer.read(token, at=NOON)
