"""What the notifier reads from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from broker.outside import OutsideSettings


def _smtp(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("smtp://", "smtps://")):
        raise ValueError("must begin with smtp:// or smtps://")
    return url


def _near(url: AnyHttpUrl) -> AnyHttpUrl:
    if url.host not in ("127.0.0.1", "[::1]", "localhost"):
        raise ValueError("must be on this machine: Google itself needs no address")
    return url


class NotifierSettings(OutsideSettings):
    """The providers; without one, its messages lie in the postbox."""

    model_config = SettingsConfigDict(env_prefix="MAYDAY_", env_ignore_empty=True, hide_input_in_errors=True)

    sms_url: AnyHttpUrl | None = None
    sms_token: SecretStr | None = None
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp)] | None = None
    fcm_credentials: Path | None = None
    fcm_url: Annotated[AnyHttpUrl, AfterValidator(_near)] | None = None
    """A double of Google's service, for tests."""
    mail_from: str = "mayday@localhost"
    postbox_dir: Path | None = None
