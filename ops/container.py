"""What the host does for an embedded run, done for the containers before anything of ours starts there.

Said again, it changes nothing.
"""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url

from db.settings import DatabaseSettings
from ops import broker_database, certificates, postgres, prepare
from ops.mosquitto import TEMPLATE, setting


class ContainerSettings(BaseSettings):
    """Read from the environment, `MAYDAY_SUPERUSER_URL` and its like."""

    model_config = SettingsConfigDict(env_prefix="MAYDAY_")

    superuser_url: SecretStr
    """Of the database server; used here alone."""
    authority_dir: Path
    """Where the key of the certificate authority is kept, out of the broker's sight."""


def main() -> None:
    """The database with its role and schema, the broker with its users and certificate."""
    settings = ContainerSettings()
    server = make_url(settings.superuser_url.get_secret_value())
    role = make_url(DatabaseSettings().database_url.get_secret_value())
    postgres.set_up(
        lambda database: server.set(database=database).render_as_string(hide_password=False),
        password=str(role.password),
    )
    prepare.main()

    configuration = TEMPLATE.read_text(encoding="utf-8")
    certificates.ensure_certificate(
        certificates.ensure_authority(settings.authority_dir, at=certificates.now()),
        certificate_file=setting(configuration, "certfile"),
        key_file=setting(configuration, "keyfile"),
        names=certificates.names_of_this_host(),
        at=certificates.now(),
    )
    broker_database.mend(setting(configuration, "persistence_location") / "mosquitto.db")


if __name__ == "__main__":
    main()
