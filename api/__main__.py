"""The api process."""

import logging

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.settings import ApiSettings
from broker import process

_MAX_SOCKET_MESSAGE_BYTES = 16 * 1024


def main() -> None:
    """Serve until told to stop."""
    with process.running("api") as life:
        settings = ApiSettings()
        make_server(create_app(settings, beat=life.beat), settings).run()


def make_server(app: FastAPI, settings: ApiSettings) -> uvicorn.Server:
    """The server around the application."""
    # Below a warning it writes the query of a WebSocket's address, where a token may stand.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.api_host,
            port=settings.api_port,
            log_config=None,
            access_log=False,
            server_header=False,
            forwarded_allow_ips=settings.api_proxies,
            ws_max_size=_MAX_SOCKET_MESSAGE_BYTES,
            timeout_graceful_shutdown=5,
        )
    )


if __name__ == "__main__":
    main()
