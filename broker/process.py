"""What every process of ours does alike: logs, stops when told to, shows that it is alive."""

import asyncio
import gc
import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

log = structlog.get_logger()

_SECRET_KEY = re.compile(r"passw|secret|token|authorization|credential|^pin$", re.IGNORECASE)
_SECRET_IN_URL = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")


class Life:
    """One process from its start to the signal that ends it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stopping = threading.Event()
        self._beat_file = Path(named) if (named := os.environ.get("MAYDAY_BEAT")) else None
        self._beaten_at: float | None = None
        self._callbacks: list[Callable[[], None]] = []

    def beat(self) -> None:
        """Show that the working loop is turning; the first time says that the process is ready."""
        now = time.monotonic()
        if self._beaten_at is not None and now - self._beaten_at < 1:
            return
        if self._beaten_at is None:
            log.info("ready")
        self._beaten_at = now
        if self._beat_file is not None:
            self._beat_file.touch()

    def stop(self) -> None:
        """Ask the process to end."""
        self.stopping.set()
        for callback in self._callbacks:
            callback()

    async def stopped(self) -> None:
        """Wait in an event loop for the end."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended.set)

        self._callbacks.append(tell)
        if self.stopping.is_set():
            return
        await ended.wait()


@contextmanager
def running(name: str) -> Iterator[Life]:
    """Run a process: its log is set up, SIGTERM and SIGINT set `stopping`, what goes wrong is logged."""
    set_up_log(name)
    # What was loaded stays: the collector need not look at all of it again, in the midst of a call for help.
    gc.collect()
    gc.freeze()
    life = Life(name)

    def on_signal(number: int, _: FrameType | None) -> None:
        life.stop()

    before = {each: signal.signal(each, on_signal) for each in (signal.SIGTERM, signal.SIGINT)}
    log.info("starting", pid=os.getpid())
    try:
        yield life
    except Exception:
        log.exception("failed")
        raise
    finally:
        log.info("stopped")
        for each, handler in before.items():
            signal.signal(each, handler)


def set_up_log(name: str) -> None:
    """One line an event on stdout: JSON for machines, words where a person looks on."""
    structlog.contextvars.clear_contextvars()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_process(name),
        structlog.stdlib.ExtraAdder(),
        hide_secrets,
    ]
    ending: list[Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if sys.stdout.isatty()
        else [structlog.processors.format_exc_info, hide_secrets, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared[:-2],
            hide_secrets,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(os.environ.get("MAYDAY_LOG_LEVEL", "INFO").upper())


def _name_process(name: str) -> Processor:
    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("process", name)
        return event

    return add


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Whatever is called a secret, or stands as a password in an address, does not reach the log."""
    for key, value in event.items():
        if _SECRET_KEY.search(key):
            event[key] = "***"
        elif isinstance(value, str) and "://" in value:
            event[key] = _SECRET_IN_URL.sub(r"\1:***@", value)
    return event
