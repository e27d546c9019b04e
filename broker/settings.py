"""Where the broker is and how we prove who we are; every secret of the stack is derived from one."""

import hashlib
import hmac
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from broker.topics import Service

_SHORTEST_SECRET = 16


class BrokerSettings(BaseSettings):
    """Read from the environment: `MAYDAY_SECRET`, `MAYDAY_MQTT_HOST` and their like."""

    model_config = SettingsConfigDict(env_prefix="MAYDAY_")

    secret: SecretStr = Field(min_length=_SHORTEST_SECRET)
    mqtt_host: str = "127.0.0.1"
    mqtt_port: int = 1884
    mqtt_ca: Path | None = None  # set where the service listener speaks TLS

    def derive(self, label: str) -> str:
        """The secret for one purpose, in hex; knowing one tells nothing of the others."""
        return hmac.digest(self.secret.get_secret_value().encode(), label.encode(), hashlib.sha256).hex()

    def password(self, service: Service) -> str:
        """What a service logs in with."""
        return self.derive(f"mqtt:{service.removeprefix('@')}")

    def client_id(self, name: str) -> str:
        """Stable, so that the session waits for us; unguessable, so that nobody takes it over."""
        return f"{name}-{self.derive(f'clientid:{name}')[:12]}"


class KeeperSettings(BrokerSettings):
    """What the keeper needs besides."""

    broker_dir: Path
    broker_pid_file: Path | None = None
    bench: bool = False  # adds the account that may speak for every device


@lru_cache(maxsize=1)
def _settings() -> BrokerSettings:
    return BrokerSettings()


def derive_secret(label: str) -> str:
    """The stack's secret for one purpose, from `MAYDAY_SECRET`."""
    return _settings().derive(label)
