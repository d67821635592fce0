"""The way back from the pages of a trial to its phones; a real service has no such link."""

from dataclasses import replace

import pytest

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings

PHONES = "http://127.0.0.1:7501"
PAGES = ("/hall/sign-in", "/hall/help", "/counter/sign-in", "/console/sign-in")


def html(settings: Settings, built: Container, page: str) -> str:
    app = create_app(replace(settings, secret_key="a-key-of-at-least-sixteen"), built)
    return app.test_client().get(page).get_data(as_text=True)


@pytest.mark.parametrize("page", PAGES)
def test_pages_of_a_trial_lead_back_to_its_phones(
    settings: Settings, built: Container, page: str
) -> None:
    trial = replace(settings, movable_clock=True, front_page=PHONES)
    assert f'data-role="phones" href="{PHONES}"' in html(trial, built, page)


@pytest.mark.parametrize("page", PAGES)
def test_real_service_has_no_phones_to_lead_to(
    settings: Settings, built: Container, page: str
) -> None:
    for movable, front_page in ((False, PHONES), (True, "")):
        real = replace(settings, movable_clock=movable, front_page=front_page)
        assert 'data-role="phones"' not in html(real, built, page)
