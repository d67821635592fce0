"""Lets a switched-on fault happen to a request for real: late answers, errors, cut connections."""

import socket
from collections.abc import Callable
from time import sleep

from flask import Response, request

from simulator.faults import Fault


def meet(
    fault: Fault, answer: Callable[[], Response], busy: Callable[[Fault], Response]
) -> Response:
    """Answer a request under this fault; with kind none simply answer."""
    match fault.kind:
        case "none":
            return answer()
        case "slow":
            # Accepted first and answered late: the customer who gives up waiting cannot know that.
            done = answer()
            sleep(fault.seconds)
            return done
        case "cut_before":
            return _cut(Response())
        case "cut_after":
            return _cut(answer())
        case _:
            return busy(fault)


def _cut(unheard: Response) -> Response:
    line = request.environ.get("werkzeug.socket")
    if isinstance(line, socket.socket):
        line.shutdown(socket.SHUT_RDWR)
    return unheard
