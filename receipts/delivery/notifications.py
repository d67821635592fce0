"""Texts we send by ourselves about a customer's own order."""

import hashlib

from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.customer import CallLog, Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply, Timer
from receipts.ports.store import Snapshot, Store
from receipts.subscriptions.decision import Decision
from receipts.wording.notice_text import notices

#: The timer that sums up a call whose end nobody told us.
CALL = "call"


def build_notification(
    store: Store,
    delivery: ReceiptLifecycle,
    number: Msisdn,
    about: str,
    text: str,
    language: Language,
) -> Receipt:
    """One notice, ordinary so that it stays in the inbox; ``about`` makes it single."""
    seed = hashlib.blake2b(f"notice|{number}|{about}".encode(), digest_size=10).hexdigest()
    return delivery.build_notification(
        store.receipt_id(number, seed), number, text, DisplayMode.TEXT, language
    )


def with_notification(
    step: Decision,
    customer: Subscription,
    about: str,
    language: Language,
    store: Store,
    delivery: ReceiptLifecycle,
) -> ChangeSet:
    """A step that nobody waits for the answer of, with a text that tells of it."""
    if not step.messages:
        return step.change_set(customer, None, Reply())
    key, params = step.messages[0]
    text = notices().render(f"notice.{key}", language, **params)
    change = step.change_set(customer, None, Reply(), reply_text=text)
    sent = build_notification(store, delivery, customer.number, about, text, language)
    return replace(change, records=(*change.records, sent), outbox=(*change.outbox, sent.id))


def call_summary(
    snapshot: Snapshot,
    store: Store,
    delivery: ReceiptLifecycle,
    sid: str,
    fired_timer: Timer | None = None,
) -> ChangeSet:
    """What a call did, told in one text after it; nothing when it changed nothing."""
    call = snapshot.call
    if call is None or not call.acts:
        return ChangeSet(snapshot.number, fired_timer=fired_timer)
    text = _told(call)
    # A call may go on after a summing-up, and change more: each is about its own version.
    about = f"call {sid} {call.version}"
    sent = build_notification(store, delivery, snapshot.number, about, text, call.language)
    return ChangeSet(
        snapshot.number,
        records=(replace(call, version=call.version + 1, acts=()), sent),
        outbox=(sent.id,),
        cancelled_timers=(Timer(CALL, snapshot.number, sid),) if fired_timer is None else (),
        fired_timer=fired_timer,
    )


def _told(call: CallLog) -> str:
    # A caller who went back and forth is told how it ended: the last act of each kind.
    last = {_about(key): (key, params) for key, params in call.acts}
    acts = [
        notices().render(f"act.{key}", call.language, **params) for key, params in last.values()
    ]
    between = "；" if call.language is Language.ZH else "; "
    return notices().render(
        "notice.call", call.language, **(call.acts[-1][1] | {"acts": between.join(acts)})
    )


def _about(act: str) -> str:
    """What an act is about: how receipts come, what they carry, or the service itself."""
    head = act.partition("_")[0]
    return head if head in {"now", "messages"} else "service"


def is_notifiable(act: str) -> bool:
    """Whether an act is one that a call's summing-up tells of."""
    return f"act.{act}" in notices().keys()  # noqa: SIM118 - a catalogue is no mapping
