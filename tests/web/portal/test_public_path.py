"""The portal below the path of PUBLIC_URL: links, forms, redirects and the cookie."""

from dataclasses import dataclass, replace

import pytest
import redis
from werkzeug.test import TestResponse

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from tests.conftest import PUBLIC_URL
from tests.support.browser import Browser

PREFIX = "/receipts/v1"


@dataclass
class Visitor(Browser):
    """A browser whose every address begins with the prefix; a proxy may take it off."""

    strips: bool = False

    def _ask(self, method: str, path: str, **more: object) -> TestResponse:
        path = f"{PREFIX}{path}" if path in {"/hall/", "/hall/sign-in", "/hall/open"} else path
        assert path.startswith(f"{PREFIX}/hall")
        return super()._ask(method, path.removeprefix(PREFIX) if self.strips else path, **more)


@pytest.fixture(params=[False, True], ids=["path kept", "path stripped by the proxy"])
def visitor(
    request: pytest.FixtureRequest, settings: Settings, built: Container, raw: redis.Redis
) -> Visitor:
    ours = replace(settings, public_url=PUBLIC_URL + PREFIX)
    app = create_app(ours, replace(built, settings=ours))
    base = PUBLIC_URL + PREFIX if request.param else PUBLIC_URL
    return Visitor(app.test_client(), raw, base=base, strips=request.param)


def test_customer_signs_in_subscribes_and_cancels_below_a_path(visitor: Visitor):
    assert visitor.signs_in().state == "未开通"
    visitor.opens()
    assert visitor.goes().state == "使用中"
    addresses = [*visitor.seen.links, *(form.action for form in visitor.seen.forms)]
    assert len(addresses) > 8
    assert all(address.startswith(f"{PREFIX}/hall") for address in addresses)
    for address in visitor.seen.links:
        assert visitor._ask("GET", address).status_code == 200, address  # noqa: SLF001 - its own


def test_cookie_is_limited_to_the_portal_below_the_path(visitor: Visitor):
    visitor.signs_in()
    assert visitor.client.get_cookie("hall", "sms.example.org", f"{PREFIX}/hall")
    assert not visitor.client.get_cookie("hall", "sms.example.org", "/hall")


def test_address_without_its_last_slash_is_redirected_below_the_path(visitor: Visitor):
    path = "/hall" if visitor.strips else f"{PREFIX}/hall"
    answer = visitor.client.get(path, base_url=visitor.base)
    assert answer.status_code == 308
    assert answer.location == f"{PREFIX}/hall/"
