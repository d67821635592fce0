"""Identification of callers: the service password, and the number behind a withheld one."""

from msgspec.structs import replace

from ivr.call_context import CallContext
from ivr.menu import DIGIT_STATES
from receipts.delivery.service_passwords import PasswordStatus, ServicePasswords
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn
from receipts.ports.changes import Reply
from receipts.subscriptions.decision import Message
from receipts.subscriptions.policy import SubscriptionPolicy
from statemachines.call_menu import CALL_MENU, CallEvent, CallState

_EVENTS = {
    PasswordStatus.RIGHT: CallEvent.PASSWORD_RIGHT,
    PasswordStatus.MUST_CHANGE: CallEvent.PASSWORD_INITIAL,
    PasswordStatus.WRONG: CallEvent.PASSWORD_WRONG,
    PasswordStatus.LOCKED: CallEvent.PASSWORD_LOCKED,
    PasswordStatus.NOT_SET: CallEvent.NO_PASSWORD,
    None: CallEvent.PASSWORD_NEEDED,
}


class Identification:
    """Ask for the service password where a province wants it, and of withheld numbers always."""

    def __init__(self, passwords: ServicePasswords, policy: SubscriptionPolicy) -> None:
        self._passwords, self._policy = passwords, policy

    def obstacle(self, customer: Subscription, context: CallContext) -> CallEvent | None:
        """The event that keeps a caller from what costs money; None where nothing does."""
        province = self._policy.service_area(customer).province
        if context.verified or province is None or not province.voice_password:
            return None
        return _EVENTS[self._passwords.obstacle(customer.number)]

    def number_given(self, keyed: str, context: CallContext) -> CallContext | None:
        """The step after a mobile number was keyed; None for any other entry."""
        number = parse_msisdn(keyed) if _is_entry(keyed, context) else None
        if context.state is not CallState.NUMBER or number is None:
            return None
        state = CALL_MENU.fire(context.state, CallEvent.NUMBER_GIVEN).state
        return context.next(state=state, number=number, no_input=0, no_match=0, repeats=0)

    def is_password(self, keyed: str, context: CallContext) -> bool:
        """Whether the keys may be a password."""
        return context.state is not CallState.NUMBER and _is_entry(keyed, context)

    def check(self, owner: Msisdn, keyed: str, context: CallContext, sid: str) -> Reply:
        """The reply to an entered password, with the next step; a repeated request counts once."""

        def reply(status: PasswordStatus) -> Reply:
            transition = CALL_MENU.fire(context.state, _EVENTS[status])
            after = context.next(state=transition.state, no_input=0, no_match=0, repeats=0)
            after = replace(after, verified=status is PasswordStatus.RIGHT)
            reason: tuple[Message, ...] = () if after.verified else ((transition.acts[0], {}),)
            return Reply(reason, context.language.value, after.link(""))

        return self._passwords.check(owner, keyed, context.claim(sid), reply)


def _is_entry(keyed: str, context: CallContext) -> bool:
    """Whether the keys are as many digits as the state asks for."""
    return len(keyed) == DIGIT_STATES.get(context.state) and keyed.isascii() and keyed.isdigit()
