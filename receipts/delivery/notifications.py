"""Texts we send by ourselves about a customer's own order."""

import hashlib

from msgspec.structs import replace

from receipts.delivery.lifecycle import Delivery
from receipts.model.customer import Call, Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Language, Mode, Msisdn
from receipts.ports.changes import Answer, Change, Timer
from receipts.ports.store import Held, Store
from receipts.subscriptions.decision import Step
from receipts.wording.notice_text import notices

#: The timer that sums up a call whose end nobody told us.
CALL = "call"


def notice(
    store: Store,
    delivery: Delivery,
    number: Msisdn,
    about: str,
    text: str,
    language: Language,
) -> Receipt:
    """One notice, ordinary so that it stays in the inbox; ``about`` makes it single."""
    seed = hashlib.blake2b(f"notice|{number}|{about}".encode(), digest_size=10).hexdigest()
    return delivery.notice(store.receipt_id(number, seed), number, text, Mode.TEXT, language)


def announced(
    step: Step,
    customer: Subscription,
    about: str,
    language: Language,
    store: Store,
    delivery: Delivery,
) -> Change:
    """A step that nobody waits for the answer of, with a text that tells of it."""
    if not step.phrases:
        return step.change(customer, None, Answer())
    key, facts = step.phrases[0]
    text = notices().say(f"notice.{key}", language, **facts)
    change = step.change(customer, None, Answer(), said=text)
    sent = notice(store, delivery, customer.number, about, text, language)
    return replace(change, records=(*change.records, sent), post=(*change.post, sent.id))


def summed_up(
    held: Held, store: Store, delivery: Delivery, sid: str, fired: Timer | None = None
) -> Change:
    """What a call did, told in one text after it; nothing when it changed nothing."""
    call = held.call
    if call is None or not call.acts:
        return Change(held.number, fired=fired)
    text = _told(call)
    # A call may go on after a summing-up, and change more: each is about its own version.
    about = f"call {sid} {call.version}"
    sent = notice(store, delivery, held.number, about, text, call.language)
    return Change(
        held.number,
        records=(replace(call, version=call.version + 1, acts=()), sent),
        post=(sent.id,),
        untimers=(Timer(CALL, held.number, sid),) if fired is None else (),
        fired=fired,
    )


def _told(call: Call) -> str:
    # A caller who went back and forth is told how it ended: the last act of each kind.
    last = {_about(key): (key, facts) for key, facts in call.acts}
    acts = [notices().say(f"act.{key}", call.language, **facts) for key, facts in last.values()]
    between = "；" if call.language is Language.ZH else "; "
    return notices().say(
        "notice.call", call.language, **(call.acts[-1][1] | {"acts": between.join(acts)})
    )


def _about(act: str) -> str:
    """What an act is about: how receipts come, what they carry, or the service itself."""
    head = act.partition("_")[0]
    return head if head in {"now", "messages"} else "service"


def tells(act: str) -> bool:
    """Whether an act is one that a call's summing-up tells of."""
    return f"act.{act}" in notices().keys()  # noqa: SIM118 - a catalogue is no mapping
