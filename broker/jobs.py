"""The Celery app: work that may be late; nothing on the way of an SOS ever waits for it."""

from typing import Any

from celery import Celery
from celery.signals import heartbeat_sent, setup_logging, worker_ready
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from broker import process


class JobSettings(BaseSettings):
    """Read from the environment: `MAYDAY_REDIS_URL`."""

    model_config = SettingsConfigDict(env_prefix="MAYDAY_")

    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")


QUEUE = "late"

app = Celery("mayday", include=["dispatch.jobs"])
app.conf.update(
    broker_url=JobSettings().redis_url.get_secret_value(),
    broker_connection_retry_on_startup=True,
    task_default_queue=QUEUE,
    task_ignore_result=True,
    # A worker that dies gives its task back instead of losing it; so every task may run twice.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    timezone="UTC",
    beat_schedule={"prune": {"task": "dispatch.jobs.prune", "schedule": 3600.0}},
)

_life = process.Life("jobs")


@setup_logging.connect
def _log(**_: Any) -> None:
    process.set_up_log("jobs")


@worker_ready.connect
@heartbeat_sent.connect
def _beat(**_: Any) -> None:
    _life.beat()
