"""The wiring: settings, the one place that plugs everything together, and the command line."""

import sys

# structlog imports rich where it is installed, for a style of tracebacks that our logs do not use.
# It would cost every process 0.06 s and 5 MB at its start, so structlog is loaded without it. The
# tables of the command line import rich when they print one.
if "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog as structlog
    finally:
        del sys.modules["rich"]
