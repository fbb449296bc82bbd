"""The progress of a long command: a bar with the time left on a terminal, otherwise a line every ten seconds."""

from __future__ import annotations

import shutil
import time
from collections import deque
from types import TracebackType
from typing import Any, Self

LINE_SECONDS = 10.0  # between two lines in a log file
DRAW_SECONDS = 0.1  # between two drawings of the bar
RATE_SECONDS = 30.0  # the rate is that of this many last seconds
BAR_WIDTH = 24


class Progress:
    """Counts what is done, and shows it. ``total`` is ``None`` if it is not known.

    ``stream`` is a command's ``stdout`` or ``stderr``. Use it from one thread only.
    """

    def __init__(self, stream: Any, noun: str, total: int | None) -> None:
        self.done = 0
        self._stream, self._noun, self._total = stream, noun, total
        self._is_terminal = bool(stream.isatty())
        self._symbols = _choose_symbols(stream)
        self._samples: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._shown_at, self._drawn_width = time.monotonic() - LINE_SECONDS / 2, 0  # the first line comes early

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._erase()

    def advance(self, number: int = 1) -> None:
        self.done += number
        self.show()

    def show(self, note: str = "") -> None:
        """Show the progress, with a note such as what the command waits for. Call it at least once a second."""
        now = time.monotonic()
        if now - self._shown_at < (DRAW_SECONDS if self._is_terminal else LINE_SECONDS):
            return
        self._shown_at = now
        self._sample(now)
        text = "   ".join(part for part in (*self._numbers(), note) if part)
        if self._is_terminal:
            self._draw(f"{self._noun}  {self._bar()}{text}")
        else:
            self._write(f"{self._noun}: {text}", "\n")

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self._erase()
        self._write(text, "\n")

    def _sample(self, now: float) -> None:
        self._samples.append((now, self.done))
        while len(self._samples) > 2 and now - self._samples[0][0] > RATE_SECONDS:
            self._samples.popleft()

    def _numbers(self) -> list[str]:
        (start, before), (now, done) = self._samples[0], self._samples[-1]
        rate = (done - before) / (now - start) if now > start else 0.0
        per_second = f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"
        if not self._total:
            return [f"{self.done:,}", per_second]
        count = f"{self.done:,} of {self._total:,}"
        left = (self._total - self.done) / rate if rate else None
        return [count, per_second, "" if left is None else f"{format_seconds(left)} left"]

    def _bar(self) -> str:
        if not self._total:
            return ""
        share = min(self.done / self._total, 1.0)
        full, empty = self._symbols
        filled = int(share * BAR_WIDTH)
        return f"{full * filled}{empty * (BAR_WIDTH - filled)} {share:4.0%}   "

    def _draw(self, text: str) -> None:
        width = max(shutil.get_terminal_size().columns - 1, 20)
        text = text[:width]
        self._write("\r" + text.ljust(min(self._drawn_width, width)), "")
        self._drawn_width = len(text)

    def _erase(self) -> None:
        if self._drawn_width:
            self._write("\r" + " " * self._drawn_width + "\r", "")
            self._drawn_width = 0

    def _write(self, text: str, ending: str) -> None:
        self._stream.write(text, style_func=str, ending=ending)  # not in red, as other lines of stderr
        self._stream.flush()


class NoOutput:
    """The stream of a progress bar that is not shown."""

    def isatty(self) -> bool:
        return False

    def flush(self) -> None:
        pass

    def write(self, text: str, **options: Any) -> None:
        pass


def format_seconds(seconds: float) -> str:
    """Such as ``0:07``, ``12:30`` or ``2:05:00``."""
    minutes, second = divmod(int(seconds + 0.5), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _choose_symbols(stream: Any) -> tuple[str, str]:
    try:
        "█░".encode(getattr(stream, "encoding", None) or "ascii")
    except (LookupError, UnicodeEncodeError):
        return "#", "."
    return "█", "░"
