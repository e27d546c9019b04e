"""The files that are held to their word."""

from typing import Any

import pytest

from tests.contracts.compose import CHECKOUT, EnvExample, read
from tests.integration.api.conftest import api, post, settings

__all__ = ["api", "post", "settings"]
"""The contracts are spoken to as our own routes are."""


@pytest.fixture(scope="session")
def compose_text() -> str:
    return (CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def env_example() -> EnvExample:
    return EnvExample((CHECKOUT / ".env.example").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def compose(compose_text: str, env_example: EnvExample) -> dict[str, Any]:
    """The compose file for an .env in which only what must be is filled in."""
    return read(compose_text, env_example.filled_in)


@pytest.fixture(scope="session")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found
