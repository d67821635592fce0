"""One customer for each way in: the same wishes by text, by phone, online and at a counter."""

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask
from msgspec.structs import replace
from werkzeug.security import generate_password_hash

from app.bootstrap import Container
from receipts.model.customer import CustomerCredentials, Subscription
from receipts.model.staff import Role, StaffArea
from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet
from receipts.staff.accounts import Person
from receipts.subscriptions.decision import Message
from statemachines.subscription import HOLDING, SubscriptionState
from tests.conftest import Network
from tests.support.browser import Browser
from tests.support.caller import Call
from tests.support.counter import OWNER_ID, PASSWORD, QUICK
from tests.support.counter_pages import CounterBrowser
from tests.support.fixtures import standing
from tests.support.staff import PASSWORD as STAFF_PASSWORD
from tests.support.staff import staff_accounts

SHOP = "天河店"

#: Keywords by action: those of the reply's language, and codes of no language.
WORDS: dict[str, tuple[str, str]] = {
    "open": ("开通短信回执", "SUBSCRIBE"),
    "yes": ("是", "Y"),
    "no": ("否", "N"),
    "ask": ("查询短信回执", "STATUS"),
}
CODES = {
    "cancel": "TD", "ordinary": "PT", "flash": "SX", "receipts": "ZJHZ", "charges": "KFJL",
    "chinese": "ZH", "english": "EN", "list": "0000", "item": "1", "news": "XWXX",
    "public_interest": "GYXX", "advertising": "GGXX", "no_messages": "TDXX",
}  # fmt: skip

_EXTRAS = ("news", "public_interest", "advertising", "no_messages")

_CAN_SWITCH = frozenset(
    {SubscriptionState.ACTIVE, SubscriptionState.ENDING, SubscriptionState.SUSPENDED}
)

#: States in whose menu the hotline has the key of an action, by action.
_S = SubscriptionState
_MENU_HAS: dict[str, frozenset[SubscriptionState]] = {
    "open": frozenset({_S.NONE, _S.PENDING, _S.ENDING}),
    "cancel": frozenset({_S.PENDING, _S.ACTIVE, _S.SUSPENDED}),
    "ask": frozenset(_S),
    "receipts": frozenset(_S) - {_S.PENDING},
    **dict.fromkeys(_EXTRAS, frozenset({_S.ACTIVE, _S.ENDING, _S.SUSPENDED})),
}


@dataclass(frozen=True)
class Act:
    """An act at a door: its answer (none of a call), and whether it changed the customer."""

    door: Channel
    action: str
    messages: tuple[Message, ...]
    changed: bool


@dataclass
class Way:
    """A customer of one way in. ``plays`` does an action and returns what the way answered."""

    built: Container
    network: Network
    number: Msisdn
    #: Ids of texts, calls and forms that were used so far.
    used: int = 0
    #: The acts since ``acts`` was cleared, in order.
    acts: list[Act] = field(default_factory=list)

    @property
    def customer(self) -> Subscription:
        return standing(self.built, self.number)

    @property
    def stand(self) -> Subscription:
        """The record but for its version and its evidence, to which a counter adds each act."""
        return replace(self.customer, version=0, chain="")

    @property
    def language(self) -> Language:
        return self.customer.language or Language.ZH

    @property
    def offer(self) -> str:
        """The id of the pending offer, as pages send it with a yes."""
        order = self.customer.order
        return order.made_at.isoformat() if order else ""

    def plays(self, action: str) -> None:
        """Do an action by this way."""
        raise NotImplementedError

    def subscribes(self, answer: str, *, by_form: bool) -> None:
        """Order, and answer the offer: yes, no or not at all."""
        del by_form
        self.plays("open")
        self.answers(answer)

    def answers(self, answer: str, *, by_form: bool = False) -> None:
        """Answer a pending offer by this way."""
        del by_form
        self.agrees_or_declines(answer, self.plays)

    def agrees_or_declines(self, answer: str, say: Callable[[str], None]) -> None:
        """Say yes or no; a yes agrees also to the offer that replaces a late one."""
        if answer == "no" and self.customer.order:
            say("no")
        for _ in range(2 if answer == "yes" else 0):
            if self.customer.order or self.customer.lapsed_at:
                say("yes")

    def lists_and_cancels(self) -> None:
        """List all subscriptions, and cancel them if there are any."""
        self.plays("list")
        if self.customer.state in HOLDING:
            self.plays("item")

    def time_passed(self) -> None:
        """Sessions have ended."""

    def event(self, prefix: str) -> str:
        """A new id of a text, a call or a form of this customer."""
        self.used += 1
        return f"{prefix}{self.number.digits}{self.used:08}"

    def texts(self, action: str) -> None:
        """Text a keyword, in the customer's language."""
        words = WORDS.get(action)
        word = words[self.language is Language.EN] if words else CODES[action]
        sid = self.event("SM")
        self.does(
            Channel.TEXT, action, f"sms:{sid}", lambda: self.network.text(self.number, word, sid)
        )

    def does(self, door: Channel, action: str, key: str, act: Callable[[], object]) -> None:
        """Do an act that is claimed under a key; keep its answer."""
        before = self.stand
        act()
        messages: tuple[Message, ...] = ()
        if key:
            reply = self.built.store.load(self.number, key).previous_reply
            assert reply is not None, key
            messages = reply.messages
        self.acts.append(Act(door, action, messages, self.stand != before))


class TextWay(Way):
    """A customer who texts 7500."""

    def plays(self, action: str) -> None:
        self.texts(action)


class VoiceWay(Way):
    """A customer who calls 10086, and texts what a call cannot do."""

    def plays(self, action: str) -> None:
        """Make a call where the menu has the action in this state; else do without it."""
        customer = self.customer
        if action in {"ordinary", "flash"}:
            other = DisplayMode.TEXT if action == "ordinary" else DisplayMode.FLASH
            if customer.state in _CAN_SWITCH and customer.mode is not other:
                self.calls("6")
        elif action in {"chinese", "english"}:
            self.chooses(action)
        elif customer.state in _MENU_HAS.get(action, frozenset()):
            keys = {"cancel": "21", "ask": "3", "receipts": "4"}
            keys |= {kind: f"5{key}" for key, kind in enumerate(_EXTRAS, start=1)}
            self.calls(keys[action])
        elif action == "cancel" and customer.order:
            self.texts("cancel")  # no key of the menu drops the request to keep the service

    def subscribes(self, answer: str, *, by_form: bool) -> None:  # noqa: ARG002 - as others
        """Confirm in the call that offers; a call leaves no request behind without a yes."""
        if self.customer.state not in _MENU_HAS["open"]:
            if self.customer.order:
                self.answers(answer)
            return
        if answer == "yes":
            self.opens()
            return
        before = self.stand
        self.opens("2" if answer == "no" else "")
        assert self.stand == before, "an offer that was only heard left a request"
        # The other ways leave a request here, so this customer texts one.
        self.texts("open")
        self.answers(answer)

    def answers(self, answer: str, *, by_form: bool = False) -> None:  # noqa: ARG002 - as others
        state = self.customer.state
        if answer == "yes" and state in _MENU_HAS["open"]:
            self.opens()
        elif answer == "no" and state is SubscriptionState.PENDING:
            self.calls("21")
        else:
            # Neither to decline to keep a service, nor to answer at the end of a trial.
            self.agrees_or_declines(answer, self.texts)

    def lists_and_cancels(self) -> None:
        """The hotline has no list: cancel."""
        self.plays("cancel")

    def calls(self, keys: str) -> None:
        call = Call(self.network, self.number, self.event("CA"))
        self.does(Channel.VOICE, keys, "", lambda: call.does(keys))

    def chooses(self, action: str) -> None:
        """Choose a language: a new caller is asked for it first, others have a key for it."""
        language = self.customer.language
        if language is None:
            call = Call(self.network, self.number, self.event("CA"))
            call.dials()
            call.presses("1" if action == "chinese" else "2")
            call.hangs_up()
        elif language is not (Language.ZH if action == "chinese" else Language.EN):
            self.calls("9")

    def opens(self, answer: str = "1") -> None:
        """Hear the offer in a call, and press a key."""
        self.does(Channel.VOICE, f"1{answer}", "", lambda: self.hears_offer(answer))

    def hears_offer(self, answer: str) -> None:
        """Make the call of an offer, with the service password where it is asked for."""
        call = Call(self.network, self.number, self.event("CA"))
        call.dials()
        call.presses("1")
        if call.last.place["at"] == "password":
            call.enters(PASSWORD)
        if call.last.place["at"] == "offer":
            call.presses(answer)
        call.hangs_up()


@dataclass
class WebWay(Way):
    """A customer with a browser, signed in by a code."""

    browser: Browser = field(kw_only=True)
    signed_in: bool = False

    def plays(self, action: str) -> None:
        self.browser.language = self.language.value
        if not self.signed_in:
            self.browser.signs_in()
            self.signed_in = True
        if action in {"ask", "receipts", "charges", "list"}:
            seen = self.browser.goes({"ask": "", "list": "services"}.get(action, action))
            assert seen.status == 200
            return
        nonce = self.event("form")
        given = self.offer if action == "yes" else ""
        wish = "cancel" if action == "item" else action
        key = f"web:{self.number.digits}:{nonce}"
        self.does(Channel.WEB, action, key, lambda: self.browser.wishes(wish, given, once=nonce))
        assert self.browser.seen.status == 200

    def time_passed(self) -> None:
        self.signed_in = False


@dataclass
class CounterWay(Way):
    """A customer at a counter, whom a signed-in clerk has identified."""

    browser: CounterBrowser = field(kw_only=True)
    signed_in: bool = False

    def plays(self, action: str, given: str = "") -> None:
        self.browser.language = self.language.value
        if not self.signed_in:
            self.browser.signs_in_at_shop()
            self.browser.identifies(self.number)
            self.signed_in = True
        act = {"list": "list_all", "item": "cancel_all"}.get(action, action)
        nonce = self.event("form")
        key = f"counter:{self.browser.visit.removeprefix('visit/')}:{nonce}"
        self.does(Channel.COUNTER, action, key, lambda: self.browser.acts(act, given, once=nonce))

    def subscribes(self, answer: str, *, by_form: bool) -> None:
        self.plays("open_by_form" if by_form else "open_by_text")
        self.answers(answer, by_form=by_form)

    def answers(self, answer: str, *, by_form: bool = False) -> None:
        """Sign the form, or text the answer to the offer; a no is told to the clerk."""
        if answer == "no":
            self.agrees_or_declines(answer, self.plays)
        elif by_form:
            self.agrees_or_declines(answer, lambda _: self.plays("signed", self.offer))
        else:
            self.agrees_or_declines(answer, self.texts)

    def time_passed(self) -> None:
        self.signed_in = False


@dataclass
class FourWays:
    """Four customers of one province, of whom each has a way of its own."""

    text: TextWay
    voice: VoiceWay
    web: WebWay
    counter: CounterWay

    @property
    def all(self) -> tuple[Way, ...]:
        return (self.text, self.voice, self.web, self.counter)


def four_ways(built: Container, app: Flask, raw: object, sample: str) -> FourWays:
    """Customers with numbers beside a sample number, so of its province."""
    network = Network(app.test_client())
    numbers = [Msisdn(f"{sample[:-1]}{digit}") for digit in range(4)]
    digests = CustomerCredentials(
        Msisdn(""), 1, id_digest=generate_password_hash(OWNER_ID, QUICK),
        password_digest=generate_password_hash(PASSWORD, QUICK),
    )  # fmt: skip
    for number in (numbers[1], numbers[3]):
        known = CustomerCredentials(number, 1, digests.id_digest, digests.password_digest)
        built.store.commit(ChangeSet(number, records=(known,)))
    staff_accounts(built).add("li", Role.CLERK, STAFF_PASSWORD, Person("tests"), shop=SHOP)
    clerk = CounterBrowser(app.test_client(), StaffArea.COUNTER, "li", "zh", shop=SHOP)
    phone = Browser(app.test_client(), raw, numbers[2])
    return FourWays(
        TextWay(built, network, numbers[0]),
        VoiceWay(built, network, numbers[1]),
        WebWay(built, network, numbers[2], browser=phone),
        CounterWay(built, network, numbers[3], browser=clerk),
    )
