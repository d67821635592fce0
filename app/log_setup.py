"""Logging as JSON or console lines: bounded in length and number, with secrets masked."""

import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any

import structlog

from app.settings import Settings
from receipts.model.masking import mask, mask_foreign

#: Longest text of a field, and of an exception with its stack.
_FIELD_CHARS, _EXCEPTION_CHARS = 500, 8_000
_MOST_ITEMS = 50
_DEEPEST = 4

#: Lines of one event that a process writes in a minute; more are counted.
LINES_A_MINUTE = 60
_MINUTE_SECONDS = 60.0

#: Fields made by the processors themselves.
_OWN = ("timestamp", "level", "left_out")

#: Fields that hold an id of a request, call, text or receipt, and an id without a mobile number.
_IDS = frozenset({"request", "call", "message", "receipt"})
_ID = re.compile(r"[A-Za-z0-9._:@#-]{1,128}")
_MOBILE = re.compile(r"(?<![0-9a-f])(?:00|\+)?(?:86)?[-.]?1[3-9]\d([-.]?)\d{4}\1\d{4}(?![0-9a-f])")

#: The least integer that may be a telephone number.
_LEAST_NUMBER = 10**10

_Event = MutableMapping[str, Any]


def set_up(settings: Settings) -> None:
    """Log to standard error from level INFO, as the settings say."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            EventBound(),  # first: a line that is left out costs little
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            Masking(settings.secrets),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _take_over(structlog.get_logger())


def _take_over(log: Any) -> None:  # noqa: ANN401 - structlog's loggers have no common type
    """Write the libraries' lines and unhandled exceptions to the same log."""
    logging.basicConfig(handlers=[_Forwarder(log)], level=logging.WARNING, force=True)
    sys.excepthook = lambda kind, error, stack: log.critical(
        "ended by an error", exc_info=(kind, error, stack)
    )
    threading.excepthook = lambda failed: log.critical(
        "a thread ended by an error", exc_info=failed.exc_value
    )


class _Forwarder(logging.Handler):
    """Passes records of the standard library's logging on to structlog."""

    def __init__(self, log: Any) -> None:  # noqa: ANN401 - as above
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; its text becomes a field, so that its event is bounded."""
        self._log.log(
            record.levelno, record.name, text=record.getMessage(), exc_info=record.exc_info
        )


def _is_id(value: object) -> bool:
    """Whether a value is an id that can be shown: it holds no mobile number."""
    return isinstance(value, str) and bool(_ID.fullmatch(value)) and not _MOBILE.search(value)


class LineBound:
    """Counts lines by name: ``LINES_A_MINUTE`` are written, the others are counted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._minutes: dict[str, _Minute] = {}

    def admit(self, name: str) -> int | None:
        """The number of lines left out since the last one; None if this one is left out too."""
        now = self._clock()
        with self._lock:
            minute = self._minutes.get(name)
            if minute is None or now - minute.began >= _MINUTE_SECONDS:
                if len(self._minutes) > 1_000:  # noqa: PLR2004 - events have fixed names
                    self._minutes.clear()
                left_out = max(0, minute.lines - LINES_A_MINUTE) if minute else 0
                self._minutes[name] = _Minute(now)
                return left_out
            minute.lines += 1
            if minute.lines <= LINES_A_MINUTE:
                return 0
        _count_left_out(name)
        return None


class EventBound(LineBound):
    """Drops the lines of an event past the bound; the next minute's first counts them."""

    def __call__(self, _: object, __: str, event: _Event) -> _Event:
        """Return the event. Raises DropEvent."""
        # One door's lines must not use up those of another.
        name = " ".join(filter(None, (str(event.get("event")), str(event.get("door", "")))))
        left_out = self.admit(name[:_FIELD_CHARS])
        if left_out is None:
            raise structlog.DropEvent
        if left_out:
            event["left_out"] = left_out
        return event


class _Minute:
    """The lines of one event since a time."""

    def __init__(self, began: float) -> None:
        self.began, self.lines = began, 1


def _count_left_out(event: str) -> None:
    # Door processes set the counters' folder before the metrics are imported.
    from app.metrics.counters import count_left_out  # noqa: PLC0415

    count_left_out(event)


class Masking:
    """Cuts long values, hides known secrets, telephone numbers and credentials."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one may be a part of another.
        self._secrets = sorted(set(secrets), key=len, reverse=True)

    def __call__(self, _: object, __: str, event: _Event) -> _Event:
        """Return the event with every value masked."""
        for key, value in event.items():
            if key == "exception":
                event[key] = self._stack(str(value))
            elif key not in _OWN and not (key in _IDS and _is_id(value)):
                event[key] = self._value(value, _DEEPEST)
        return event

    def _value(self, value: object, depth: int) -> object:
        is_harmless = value is None or isinstance(value, bool | float)
        if is_harmless or (isinstance(value, int) and abs(value) < _LEAST_NUMBER):
            return value
        if isinstance(value, bytes):
            return self._text(value[:_FIELD_CHARS].decode("utf-8", "replace"))
        if depth and isinstance(value, Mapping):
            pairs = list(value.items())[:_MOST_ITEMS]
            return {self._text(str(k)): self._value(each, depth - 1) for k, each in pairs}
        if depth and isinstance(value, list | tuple | set | frozenset):
            return [self._value(each, depth - 1) for each in list(value)[:_MOST_ITEMS]]
        return self._text(str(value))

    def _text(self, text: str) -> str:
        cut = text if len(text) <= _FIELD_CHARS else f"{text[:_FIELD_CHARS]}…"
        return mask(self._without_secrets(cut)).replace("\n", " ")

    def _stack(self, text: str) -> str:
        """A stack without values; of a message, which may quote a provider, no code either."""
        text = self._without_secrets(text)
        if len(text) > _EXCEPTION_CHARS:  # the innermost call is the last
            text = f"…{text[-_EXCEPTION_CHARS:]}"
        # Lines of the stack are indented.
        return "\n".join(
            mask(line) if line.startswith("  ") else mask_foreign(line) for line in text.split("\n")
        )

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, "***")
        return text
