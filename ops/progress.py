"""One line that moves, for everything that takes longer than a glance."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

_PLAIN_EVERY_S = 5.0
_MOVING_EVERY_S = 0.1


class Progress:
    """Rewrites its line on a terminal; elsewhere prints a line now and then, so that logs stay short."""

    def __init__(self, title: str, *, stream: TextIO | None = None) -> None:
        self.title = title
        self._stream = sys.stderr if stream is None else stream
        self._moving = self._stream.isatty()
        self._started = time.monotonic()
        self._last = float("-inf")

    def __enter__(self) -> Self:
        if not self._moving:
            self._write(f"{self.title} ...\n")
        self._last = self._started
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            took = time.monotonic() - self._started
            self._write(f"{self._clear()}{self.title}: done in {took:.1f} s\n")
        elif self._moving:
            self._write("\n")

    def say(self, detail: str, *, at_once: bool = False) -> None:
        """Show where it stands; cheap enough to be called in a loop."""
        now = time.monotonic()
        if not at_once and now - self._last < (_MOVING_EVERY_S if self._moving else _PLAIN_EVERY_S):
            return
        self._last = now
        if self._moving:
            self._write(f"{self._clear()}{self.title}: {detail}"[:200])
        else:
            self._write(f"{self.title}: {detail}\n")

    def _clear(self) -> str:
        return "\r\x1b[K" if self._moving else ""

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
