"""The pages of the hall: put together, closed to other sites, and kept by nobody."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, render_template, request

from receipts.model.vocabulary import Language, Msisdn
from receipts.wording.catalogue import Catalogue
from web.portal import session
from web.portal.actions import ActionHandler
from web.portal.passcodes import FACTS, PasscodeService
from web.portal.view_models import AccountPresenter

#: Pages show a customer's own things: they come from us alone, and nobody keeps them.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class PortalServices:
    """All that the pages need. ``caller`` returns the signed-in number."""

    codes: PasscodeService
    wishes: ActionHandler
    sights: AccountPresenter
    sentences: Catalogue
    facts: dict[str, str]
    learn: Callable[[Msisdn], None]
    caller: Callable[[], Msisdn]


@dataclass(frozen=True, slots=True)
class PageRenderer:
    """One page in the making: who it is for, in which language, and what goes on it."""

    hall: PortalServices
    language: Language
    number: Msisdn | None = None

    def show(self, template: str, status: int = 200, **what: object) -> Response:
        """The page as HTML."""
        say, language, params = self.hall.sentences.render, self.language, FACTS | self.hall.facts

        def t(key: str, **more: object) -> str:
            return say(key, language, **(params | more))

        page = render_template(
            template,
            t=t,
            lang=language.value,
            who=self.number.masked if self.number else "",
            csrf_token=session.csrf_token,
            once=session.form_nonce,
            **what,
        )
        return Response(page, status, content_type="text/html; charset=utf-8")


def trouble(hall: PortalServices, status: int) -> Response:
    """A page that says what went wrong, and where to go on; it asks no store."""
    key = f"trouble.{status}" if hall.codes.secret else "trouble.shut"
    known = key in hall.sentences.keys()  # noqa: SIM118 - a catalogue is no mapping
    page, shut = PageRenderer(hall, session.preferred_language()), not hall.codes.secret
    answer = page.show("trouble.html", status, said=key if known else "trouble.400", shut=shut)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = "5"
    return closed_to_others(answer)


def closed_to_others(answer: Response) -> Response:
    """An answer of the hall with the headers that keep it between us and one browser."""
    for name, value in _HEADERS.items():
        answer.headers[name] = value
    if request.endpoint == "hall.static":
        answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer
