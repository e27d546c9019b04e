"""What dispatch reads from the environment."""

from functools import lru_cache

from pydantic import AnyHttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict


class DispatchSettings(BaseSettings):
    """Read from the environment: `MAYDAY_PUBLIC_URL`."""

    model_config = SettingsConfigDict(env_prefix="MAYDAY_", env_ignore_empty=True)

    public_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:8000")
    """Where people reach the API from outside; the links in their messages begin with it."""


@lru_cache(maxsize=1)
def _settings() -> DispatchSettings:
    return DispatchSettings()


def public_url(path: str) -> str:
    """A link for a person."""
    return f"{str(_settings().public_url).rstrip('/')}{path}"
