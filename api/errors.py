"""Every refusal as an RFC 9457 problem; nowhere else does an error become an answer."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.access_log import loggable
from api.dialects.shapes import SHAPES
from api.refusals import Busy, TooManyTries, Unauthenticated
from db.session import TRANSIENT
from dispatch.errors import Conflict, DomainError, Forbidden, Invalid, NotFound

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2

Wrong = dict[str, str]
"""One wrong field, `{"field": …, "message": …}`; never with what was sent, which may be a password."""


class Problem(BaseModel):
    """What every refusal looks like; `code` is for programs, `detail` for people."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: list[Wrong] = Field([], description="each wrong field, with what is expected there")


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A refusal (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    }
}
"""How routes say in the published contract that they may refuse."""

_STATUS: tuple[tuple[type[DomainError], HTTPStatus], ...] = (
    (TooManyTries, HTTPStatus.TOO_MANY_REQUESTS),
    (Busy, HTTPStatus.SERVICE_UNAVAILABLE),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (Invalid, HTTPStatus.UNPROCESSABLE_ENTITY),
    (DomainError, HTTPStatus.BAD_REQUEST),
)

_WORDING = {
    "missing": "is required",
    "extra_forbidden": "is not known here",
    "string_type": "must be text",
    "string_unicode": "must be valid Unicode text",
    "model_attributes_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
}
# Contracts older than ours say 400 where we say 422.
_OWN, _CONTRACTS = "/api/v1/", "/api/"
_PLACES = ("body", "query", "path", "header")


def install(app: FastAPI) -> None:
    """Have every error of `app` answered from here."""
    app.add_exception_handler(DomainError, _refused)
    app.add_exception_handler(RequestValidationError, _misread)
    app.add_exception_handler(HTTPException, _plain)
    for away in TRANSIENT:
        app.add_exception_handler(away, _database_away)
    app.add_exception_handler(Exception, _broken)


def problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    errors: Sequence[Wrong] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, str] | None = None,
) -> JSONResponse:
    """One problem document."""
    said = Problem(title=status.phrase, status=status.value, code=code, detail=detail, errors=list(errors))
    content = said.model_dump(exclude=None if errors else {"errors"}) | dict(more or {})
    return JSONResponse(content, status.value, headers, MEDIA_TYPE)


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    if isinstance(error, Invalid):
        status = _invalid_at(request)
    field = getattr(error, "field", None)
    alone = [{"field": field, "message": error.message}] if field else []
    wrong = getattr(error, "wrong", alone)
    return problem(
        status,
        error.code,
        error.message,
        errors=wrong,
        headers=_advice(error),
        more=getattr(error, "more", None),
    )


def _advice(error: DomainError) -> dict[str, str] | None:
    match error:
        case Unauthenticated():
            return {"WWW-Authenticate": error.scheme}
        case Busy():
            return {"Retry-After": str(error.retry_after_s)}
    return None


def _invalid_at(request: Request) -> HTTPStatus:
    path = request.url.path
    documented = path.startswith(_CONTRACTS) and not path.startswith(_OWN)
    return HTTPStatus.BAD_REQUEST if documented else HTTPStatus.UNPROCESSABLE_ENTITY


def _misread(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        where = found[0]["loc"][-1]
        return problem(
            HTTPStatus.BAD_REQUEST, "unreadable", f"the body is not JSON: wrong at character {where}"
        )
    wrong = wrong_fields(found)
    names = ", ".join(dict.fromkeys(each["field"] for each in wrong))
    return problem(_invalid_at(request), Invalid.code, f"please correct: {names}", errors=wrong)


def wrong_fields(found: Iterable[Mapping[str, Any]]) -> list[Wrong]:
    """Pydantic's errors as the fields they are about and what is expected there."""
    return [{"field": _field(each["loc"]), "message": _message(each)} for each in found]


def _field(place: Sequence[Any]) -> str:
    inner = [part for part in place if part not in SHAPES]
    inner = inner[1:] if inner and inner[0] in _PLACES else inner
    return ".".join(str(part) for part in inner) or "body"


def _message(found: Mapping[str, Any]) -> str:
    if found["type"] == "value_error":
        return str(found["ctx"]["error"])
    if wording := _WORDING.get(found["type"]):
        return wording
    said = str(found["msg"])
    return said[0].lower() + said[1:]


def _plain(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = status.name.lower()
    return problem(status, code, error.detail or status.description, headers=error.headers)


def _database_away(request: Request, error: Exception) -> JSONResponse:
    log.warning("database is away", path=loggable(request.url.path), error=type(error).__name__)
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "database_away",
        "the database cannot be reached; nothing was changed, please try again",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _broken(_: Request, __: Exception) -> JSONResponse:
    # Starlette raises the error again after this answer, so that the server logs it.
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "something went wrong here; it has been logged"
    )
