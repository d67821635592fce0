"""Puts the pages for staff together: counter and console."""

import datetime as dt
from collections.abc import Callable, Iterable

from flask import Blueprint, Flask
from limits.strategies import FixedWindowRateLimiter

from app.bootstrap import Container
from app.metrics import counters
from app.pages.audit_pages import audit_pages
from app.pages.counter_services import supporting_pages, visit_pages
from app.pages.customer_pages import customer_pages
from app.pages.figures_pages import figures_pages
from app.pages.journey_pages import journey_pages
from app.pages.rule_book_pages import rule_book_pages
from app.pages.staff_guard import StaffGuard
from app.protection.limit_storage import StoreCounters
from receipts.model.keyed_digest import KeyedDigests
from receipts.model.staff import StaffArea
from receipts.staff.accounts import StaffAccounts
from receipts.staff.sessions import SessionRules, StaffSessions
from web.console.staff import StaffAccountPages
from web.shared_files import register_shared_files
from web.staff.access import StaffPages
from web.staff.rendering import StaffSite, area_catalogue, navigation_order
from web.staff.sign_in import ANONYMOUS, SignInPages
from web.staff.sign_in_limits import SignInLimits

#: Guards by endpoint.
Guards = dict[str, Callable[[], None]]


def register_staff_pages(
    app: Flask, container: Container, address: Callable[[], str], anonymous: Callable[[], None]
) -> tuple[dict[str, StaffSite], Guards]:
    """Register both areas; their sites by name, and the guard of each endpoint."""
    sites: dict[str, StaffSite] = {}
    guards: Guards = {}
    for area, pages_of in _PAGES.items():
        site = _site(container, area, address)
        pages = (*pages_of(container, site), SignInPages(site))
        guards |= _register_area(app, site, pages, anonymous)
        sites[area.value] = site
    app.extensions["staff"] = sites
    return sites, guards


def console_pages(container: Container, site: StaffSite) -> Iterable[StaffPages]:
    """The pages of the console, in the order of its navigation."""
    today, provinces = figures_pages(container, site)
    journeys, books = journey_pages(container, site), rule_book_pages(container, site)
    customers, audit = customer_pages(container, site), audit_pages(container, site)
    return (
        *(today, *customers, *journeys, *books, provinces),
        *(StaffAccountPages(site), *audit),
    )


def counter_pages(container: Container, site: StaffSite) -> Iterable[StaffPages]:
    """The pages of the counter, in the order of its navigation."""
    return (*visit_pages(container, site), *supporting_pages(container, site))


_PAGES: dict[StaffArea, Callable[[Container, StaffSite], Iterable[StaffPages]]] = {
    StaffArea.COUNTER: counter_pages,
    StaffArea.CONSOLE: console_pages,
}


def _site(container: Container, area: StaffArea, address: Callable[[], str]) -> StaffSite:
    settings, clock, staff = container.settings, container.clock, container.clients.staff
    keys = settings.secret_keys
    rules = SessionRules(
        dt.timedelta(minutes=settings.staff_idle_minutes),
        dt.timedelta(hours=settings.staff_session_hours),
        frozenset(map(StaffArea, settings.staff_codes)),
    )
    digests, lifecycle = KeyedDigests(keys), container.lifecycle
    sessions = StaffSessions(staff, container.store, lifecycle, clock, digests, rules)
    limiter = FixedWindowRateLimiter(StoreCounters(container.clients.connection))
    limits = SignInLimits(limiter, counters.count_staff_sign_in)
    accounts, catalogue = StaffAccounts(staff, clock), area_catalogue(area)
    return StaffSite(area, accounts, sessions, limits, address, bool(keys), catalogue)


def _register_area(
    app: Flask, site: StaffSite, pages: Iterable[StaffPages], anonymous: Callable[[], None]
) -> Guards:
    area, guard = site.area, StaffGuard(site, anonymous)
    package = f"web.{area}"
    blueprint = Blueprint(area.value, package, url_prefix=f"/{area}", template_folder="templates")
    sign_in = SignInPages(site)
    sign_in.register(blueprint)
    register_shared_files(blueprint)
    site.routes = navigation_order(route for each in pages for route in each.routes())
    guards: Guards = {f"{area}.{endpoint}": anonymous for endpoint in ANONYMOUS}
    for route in site.routes.values():
        blueprint.add_url_rule(route.rule, route.endpoint, route.view, methods=list(route.methods))
        guards[f"{area}.{route.endpoint}"] = guard.before(route)
    app.register_blueprint(blueprint)
    return guards
