"""Callers who show a token without an end; only catalyst's own routes take one."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import APIKeyHeader

from api.accounts import api_tokens
from api.accounts.service import Person
from api.deps import Db
from api.refusals import Unauthenticated
from dispatch.errors import Forbidden

_header = APIKeyHeader(
    name="Authorization",
    scheme_name="Token",
    auto_error=False,
    description="`Token`, a space, and the token of registration.",
)


def _caller(shown: Annotated[str | None, Depends(_header)], database: Db) -> Person:
    scheme, _, token = (shown or "").partition(" ")
    if scheme.lower() != "token":
        raise Unauthenticated("register, and send the token as Authorization: Token", scheme="Token")
    with database.transaction() as session:
        person = api_tokens.find_owner(session, token.strip())
    if person is None:
        raise Unauthenticated("the token is not one of ours, or was revoked", scheme="Token")
    if not person.active:
        raise Forbidden("this account is blocked")
    return person


TokenCaller = Annotated[Person, Depends(_caller)]
