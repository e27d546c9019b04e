"""Where the database is."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class DatabaseSettings(BaseSettings):
    """Read from the environment, `MAYDAY_DATABASE_URL` and its like."""

    model_config = SettingsConfigDict(env_prefix="MAYDAY_")

    database_url: SecretStr
    database_pool: int = 10
