"""What the counters read from the environment."""

from pathlib import Path

from pydantic import SecretStr

from broker.outside import OutsideSettings


class ApiSettings(OutsideSettings):
    """Where to listen, whom to trust, and where devices find the broker."""

    api_host: str = "127.0.0.1"
    api_port: int = 8000
    api_origins: frozenset[str] = frozenset()
    """Origins of pages, beside our own, that may use the API and its sockets: `["https://desk.example.org"]`."""
    google_client_ids: frozenset[str] = frozenset()
    """Our applications at Google, whose users may come in with it; without any, nobody may."""

    sms_hook_token: SecretStr | None = None
    """By which the SMS gateway shows who it is when it reports or brings answers; without it, nobody may."""

    media_dir: Path = Path("media")
    """Where photos are kept."""
    api_proxies: str = "127.0.0.1"
    """Proxies, separated by commas, that are believed when they name a client's address."""

    # As devices are told them; without a host it is the one the request was sent to.
    device_host: str | None = None
    device_port: int = 1883
    device_tls_port: int = 8883
    device_ws_port: int = 9001
