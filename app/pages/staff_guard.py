"""The guard of pages for staff: session, right, and the counts of refusals."""

from collections.abc import Callable

import flask
from werkzeug.exceptions import Forbidden

from app.metrics.counters import count_refusal
from receipts.staff.rights import has_right
from web.staff.access import StaffRoute, account_of_session, remember_wanted
from web.staff.rendering import StaffSite

#: Routes for an account whose password another person set: it must be changed first.
_BEFORE_CHANGE = frozenset({"password", "set_password", "sign_out"})


class StaffGuard:
    """Require a session of the area, and the right of the route."""

    def __init__(self, site: StaffSite, anonymous: Callable[[], None]) -> None:
        """``anonymous`` requires SECRET_KEY, and of a form the CSRF token."""
        self._site, self._anonymous = site, anonymous

    def before(self, route: StaffRoute) -> Callable[[], None]:
        """The guard of one route."""

        def guard() -> None:
            self.staff(route)

        return guard

    def staff(self, route: StaffRoute) -> None:
        """Find the account of the session. Raises Forbidden, or redirects to the sign-in."""
        self._anonymous()
        site = self._site
        account = account_of_session(site.sessions, site.area)
        if account is None:
            count_refusal("staff session")
            remember_wanted()
            flask.abort(site.see_other("sign_in"))
        flask.g.staff = account
        if account.must_change and route.endpoint not in _BEFORE_CHANGE:
            flask.abort(site.see_other("password"))
        if route.right is not None and not has_right(account.role, route.right):
            count_refusal("staff right")
            raise Forbidden(f"the role {account.role} lacks the right {route.right}")
