"""What the notifier reads from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from broker.settings import BrokerSettings


def _smtp(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("smtp://", "smtps://")):
        raise ValueError("must begin with smtp:// or smtps://")
    return url


class NotifierSettings(BrokerSettings):
    """The providers; without one, its messages lie in the postbox."""

    model_config = SettingsConfigDict(env_prefix="MAYDAY_", env_ignore_empty=True, hide_input_in_errors=True)

    sms_url: AnyHttpUrl | None = None
    sms_token: SecretStr | None = None
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp)] | None = None
    mail_from: str = "mayday@localhost"
    postbox_dir: Path | None = None
