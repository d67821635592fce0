"""Logging as JSON or console lines, with telephone numbers masked."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

#: A telephone number; the digits that stay visible tell customers apart.
_NUMBER = re.compile(r"(?<![0-9A-Za-z])(\+?\d{3,5})\d{4,6}(\d{4})(?![0-9A-Za-z])")


def _mask(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide the middle digits of each telephone number."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _NUMBER.sub(r"\1****\2", value)
    return event


def set_up(log_format: str) -> None:
    """Log to standard error in this format, from level INFO."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _mask,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
