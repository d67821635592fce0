"""Notifications about a customer's own subscription, sent without a request."""

import datetime as dt
import hashlib

from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.customer import CallLog, Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply, Timer
from receipts.ports.store import Snapshot, Store
from receipts.subscriptions.decision import Decision
from receipts.wording.notice_text import notices
from receipts.wording.segments import segments
from receipts.wording.separators import SEMICOLON, SPACE

#: Kind of the timer that summarises a call without a reported end.
CALL = "call"


def build_notification(
    store: Store, delivery: ReceiptLifecycle, number: Msisdn, about: str, text: str, lang: Language
) -> Receipt:
    """Free ordinary text, so that it stays in the inbox; equal ``about`` gives an equal id."""
    if number in delivery.trial_people:
        text = _with_trial_note(text, lang)
    seed = hashlib.blake2b(f"notice|{number}|{about}".encode(), digest_size=10).hexdigest()
    receipt_id, now, mode = store.receipt_id(number, seed), delivery.clock.now(), DisplayMode.TEXT
    return Receipt(receipt_id, number, text, mode, lang, now, version=1, kind=MessageKind.NOTICE)


def _with_trial_note(text: str, language: Language) -> str:
    """The text with the note that it is a trial, where that takes no further segment."""
    noted = f"{text}{SPACE[language]}{notices().render('trial_note', language)}"
    return noted if segments(noted) == segments(text) else text


def build_passcode(
    store: Store,
    delivery: ReceiptLifecycle,
    number: Msisdn,
    about: str,
    text: str,
    lang: Language,
    expires_at: dt.datetime,
) -> Receipt:
    """Text with a one-time code: sent in time or not at all, on no list, wiped once sent."""
    notice = build_notification(store, delivery, number, about, text, lang)
    return replace(notice, kind=MessageKind.CODE, expires_at=expires_at)


def with_notification(
    decision: Decision,
    customer: Subscription,
    about: str,
    language: Language,
    store: Store,
    delivery: ReceiptLifecycle,
) -> ChangeSet:
    """Change set of a decision made without a request, with a notification of its message."""
    if not decision.messages:
        return decision.change_set(customer, None, Reply())
    key, params = decision.messages[0]
    text = notices().render_text(f"notice.{key}", language, **params)
    sent = build_notification(store, delivery, customer.number, about, text, language)
    change = decision.change_set(customer, None, Reply(), reply_text=sent.text)
    return replace(change, records=(*change.records, sent), outbox=(*change.outbox, sent.id))


def call_summary(
    snapshot: Snapshot,
    store: Store,
    delivery: ReceiptLifecycle,
    sid: str,
    fired_timer: Timer | None = None,
) -> ChangeSet:
    """Send one text about all changes made in a call; without changes, only end the timer."""
    call = snapshot.call
    if call is None or not call.acts:
        return ChangeSet(snapshot.number, fired_timer=fired_timer)
    # A call may continue after its summary; each version has a summary of its own.
    about = f"call {sid} {call.version}"
    text = _summary_text(call)
    sent = build_notification(store, delivery, snapshot.number, about, text, call.language)
    return ChangeSet(
        snapshot.number,
        records=(replace(call, version=call.version + 1, acts=()), sent),
        outbox=(sent.id,),
        cancelled_timers=(Timer(CALL, snapshot.number, sid),) if fired_timer is None else (),
        fired_timer=fired_timer,
    )


def _summary_text(call: CallLog) -> str:
    # Only the last act on each topic counts: the caller may have changed it several times.
    last = {_topic(key): (key, params) for key, params in call.acts}
    render = notices().render
    acts = [render(f"act.{key}", call.language, **params) for key, params in last.values()]
    params = call.acts[-1][1] | {"acts": SEMICOLON[call.language].join(acts)}
    # Several acts may take a second segment.
    whole = notices().render_text if len(acts) == 1 else render
    return whole("notice.call", call.language, **params)


def _topic(act: str) -> str:
    """Topic of an act: display mode ("now"), promotions ("messages") or the subscription."""
    head = act.partition("_")[0]
    return head if head in {"now", "messages"} else "service"


def is_notifiable(act: str) -> bool:
    """Whether a call summary has a sentence for this act."""
    return f"act.{act}" in notices()
