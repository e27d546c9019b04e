"""For supervisors, and for people who open the bare address."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.deps import Db, LiveHub
from db.session import Database

router = APIRouter(tags=["system"])

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mayday</title>
<style>
body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1.5rem; }
:root { color-scheme: light dark; }
</style>
</head>
<body>
<h1>Mayday</h1>
<p>Carries a call for help from a wrist or a phone to the person who can help.</p>
<ul>
<li><a href="docs">The API, to read and to try</a></li>
<li><a href="readyz">Is everything there?</a></li>
</ul>
</body>
</html>
"""


@router.get("/", include_in_schema=False)
def front_page() -> HTMLResponse:
    """Where to go from here."""
    return HTMLResponse(_PAGE)


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Something is missing"}})
def readyz(database: Db, hub: LiveHub) -> JSONResponse:
    """Database and broker are reachable; else 503 with what is missing."""
    parts = {"database": _answers(database), "broker": hub.connected}
    missing = [name for name, there in parts.items() if not there]
    content: dict[str, Any] = {"status": "unready" if missing else "ready", "missing": missing}
    return JSONResponse(content, 503 if missing else 200)


def _answers(database: Database) -> bool:
    try:
        with database.transaction() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True
