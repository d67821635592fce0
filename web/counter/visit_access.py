"""The visit of a request: it must be this clerk's, in this shop and session."""

from collections.abc import Callable
from http import HTTPStatus
from typing import NoReturn

import flask
from werkzeug.exceptions import Forbidden

from receipts.model.counter import CounterVisit
from receipts.staff.counter.visits import (
    Clerk,
    CounterVisits,
    ForeignVisitError,
    VisitRefusedError,
)
from web.staff import access


def current_clerk() -> Clerk:
    """The signed-in clerk with the id of the session."""
    return Clerk(access.signed_in(), access.session_id())


def current_visit(
    visits: CounterVisits, visit_id: str, count_refusal: Callable[[str], None]
) -> CounterVisit:
    """The clerk's own visit; one that has ended leads back to the start. Raises Forbidden."""
    try:
        return visits.find(visit_id, current_clerk())
    except ForeignVisitError as error:
        count_refusal("visit of another clerk")
        raise Forbidden("this visit belongs to another clerk") from error
    except VisitRefusedError:
        to_start()


def to_start() -> NoReturn:
    """End the request with a redirect to the first page of the counter, which tells why."""
    flask.abort(flask.redirect(flask.url_for("counter.start", why="ended"), HTTPStatus.SEE_OTHER))
