"""The page that a form in the header was sent from."""

from urllib.parse import parse_qsl, urlencode

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, RequestRedirect

from receipts.model.staff import StaffArea

#: Longest address to which a form returns.
_LONGEST_ADDRESS = 1000

#: Addresses that are no pages.
_NO_PAGES = ("look", "nowhere")


def same_page(area: StaffArea, address: str) -> str | None:
    """The URL of the page of an area at a path with query, else of the nearest page above it.

    None if the address is of no page. The URL is built from the matched route, so that an
    arbitrary address leads nowhere else.
    """
    path, _, query = address.partition("?")
    urls = current_app.create_url_adapter(request)
    if urls is None or len(address) > _LONGEST_ADDRESS:
        return None
    while path.startswith(f"/{area}/"):
        if url := _page(area, urls, path):
            return f"{url}?{urlencode(parse_qsl(query))}" if query else url
        path, query = path.rpartition("/")[0], ""
    return None


def _page(area: StaffArea, urls: MapAdapter, path: str) -> str | None:
    try:
        rule, values = urls.match(path, method="GET", return_rule=True)
        if "POST" in urls.allowed_methods(path):
            posted, _ = urls.match(path, method="POST", return_rule=True)
            # A form of ``/staff/add`` is not of the page ``/staff/<name>``.
            if posted.rule != rule.rule:
                return None
    except (HTTPException, RequestRedirect):
        return None
    endpoint = rule.endpoint
    blueprint, _, name = endpoint.partition(".")
    return url_for(endpoint, **values) if blueprint == area and name not in _NO_PAGES else None
