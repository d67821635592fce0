"""Browser of a customer: opens pages, submits their forms, follows redirects."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

import redis
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receipts.model.receipt import MessageKind, Receipt
from receipts.store.codec import decode_record
from receipts.store.sealed_text import TextSealer
from tests.conftest import GUANGDONG, PUBLIC_URL

CODE = re.compile(r"(?<![0-9])([0-9]{6})(?![0-9])")


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Reads the forms that are posted; a search by GET is no form here."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._is_posted = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_posted = given["method"] == "post"
            if self._is_posted:
                self.forms.append(Form(given["action"]))
        if self._is_posted and tag in {"input", "button", "select"} and given.get("name"):
            self.forms[-1].fields[given["name"]] = given.get("value", "")


@dataclass
class Sight:
    answer: TestResponse

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def html(self) -> str:
        return self.answer.get_data(as_text=True)

    @property
    def text(self) -> str:
        body = self.html[self.html.index("<body") :]
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

    @property
    def told(self) -> list[str]:
        """The messages at the top of the page."""
        return [unescape(said) for said in re.findall(r'class="told[^>]*>([^<]+)<', self.html)]

    @property
    def state(self) -> str:
        found = re.search(r'data-role="state">([^<]+)<', self.html)
        return unescape(found[1]) if found else ""

    @property
    def links(self) -> list[str]:
        """The addresses of links, pictures and style sheets."""
        return [unescape(each) for each in re.findall(r' (?:href|src)="([^"]+)"', self.html)]

    def link(self, name: str) -> str:
        """The path of the link with a rel or a text, behind ``/hall/``; empty without one."""
        for attributes, text in re.findall(r"<a ([^>]*)>(.*?)</a>", self.html, re.DOTALL):
            if f'rel="{name}"' in attributes or unescape(text).strip() == name:
                (found,) = re.findall(r'href="/hall/([^"]*)"', attributes)
                return unescape(found)
        return ""

    def value(self, field_id: str) -> str:
        """The text in a field."""
        (found,) = re.findall(rf'<input id="{field_id}"[^>]* value="([^"]*)"', self.html)
        return unescape(found)

    @property
    def forms(self) -> list[Form]:
        parser = _Forms()
        parser.feed(self.html)
        return parser.forms

    def form(self, wish: str) -> Form:
        """Return the form of an action, or of an address with that name."""
        for form in self.forms:
            if form.fields.get("wish") == wish or form.action.endswith(f"/hall/{wish}"):
                return form
        raise AssertionError(f"no form for {wish} on {self.text}")

    def offers(self, wish: str) -> bool:
        return any(form.fields.get("wish") == wish for form in self.forms)


#: The portal's SECRET_KEY.
KEY = "a-key-of-at-least-sixteen-characters"


@dataclass
class Browser:
    """One browser with its own cookies."""

    client: FlaskClient
    raw: "redis.Redis"
    number: str = GUANGDONG
    language: str = "zh-CN,zh;q=0.9"
    base: str = PUBLIC_URL
    seen: Sight = field(init=False)
    addresses: list[str] = field(default_factory=list)

    def goes(self, path: str = "") -> Sight:
        return self._follow(self._ask("GET", f"/hall/{path}"))

    def sends(self, form: Form, /, **typed: str) -> Sight:
        """Submit a form with typed values; return the resulting page."""
        return self._follow(self._ask("POST", form.action, data=form.fields | typed))

    def presses(self, wish: str, **typed: str) -> Sight:
        return self.sends(self.seen.form(wish), **typed)

    def signs_in(self) -> Sight:
        self.goes("sign-in")
        self.presses("code", number=self.number)
        return self.presses("enter", code=self.code())

    def wishes(self, wish: str, given: str = "", once: str | None = None) -> Sight:
        """Send an action even if no page has a button for it."""
        own = self.goes().form("sign-out").fields
        fields = {"csrf_token": own["csrf_token"], "once": once or own["once"]}
        return self.sends(Form("/hall/wish", fields | {"wish": wish, "given": given}))

    def opens(self) -> Sight:
        """Subscribe: price, order, second yes."""
        self.goes("open")
        self.presses("open")
        return self.presses("yes")

    def code(self) -> str:
        found = CODE.search(self.texts()[-1])
        assert found
        return found[1]

    def texts(self) -> list[str]:
        """Return the texts with passcodes, oldest first."""
        keys = self.raw.keys("*:receipt:*")
        sealer, stored = TextSealer((KEY,)), map(self.raw.get, keys)
        records = filter(None, (sealer.open(decode_record(Receipt, raw)) for raw in stored))
        codes = [r for r in records if r.kind is MessageKind.CODE and r.number == self.number]
        return [each.text for each in sorted(codes, key=lambda each: each.created_at)]

    def _ask(self, method: str, path: str, **more: object) -> TestResponse:
        self.addresses.append(path)
        headers = {"Accept-Language": self.language}
        return self.client.open(path, method=method, base_url=self.base, headers=headers, **more)

    def _follow(self, answer: TestResponse) -> Sight:
        while answer.status_code in {302, 303, 308}:
            parts = urlsplit(answer.location)
            answer = self._ask("GET", f"{parts.path}{'?' if parts.query else ''}{parts.query}")
        self.seen = Sight(answer)
        return self.seen
