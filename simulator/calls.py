"""The calls under way: at most one on each phone, and the product is told when one has ended."""

from threading import Lock, Thread
from time import time
from uuid import uuid4

from simulator.call import Call, ServiceHungUp
from simulator.callbacks import Callbacks
from simulator.doors import Doors
from simulator.events import Event, Events
from simulator.line import HungUp
from simulator.numbering import e164
from simulator.phones import Phones
from simulator.settings import Settings


class Busy(RuntimeError):
    """The phone is already in a call."""


class NotInCall(RuntimeError):
    """The phone is in no call."""


class Calls:
    """Dials, presses keys and hangs up on behalf of phones."""

    def __init__(
        self, settings: Settings, phones: Phones, events: Events, doors: Doors, callbacks: Callbacks
    ) -> None:
        self._settings = settings
        self._phones = phones
        self._events = events
        self._doors = doors
        self._callbacks = callbacks
        self._lock = Lock()
        self._under_way: dict[str, Call] = {}
        self._cut_off: dict[str, Event] = {}

    def dial(self, phone: str, *, withheld: bool = False) -> str:
        """Call the hotline from a phone and return the call's id."""
        self._phones.need_on(phone)
        sid = f"CA{uuid4().hex}"
        caller = "anonymous" if withheld else e164(phone)
        call = Call(
            sid, phone, self._fields(sid, caller), self._settings, self._doors, self._events
        )
        with self._lock:
            if phone in self._under_way:
                raise Busy(f"the phone {phone} is already in a call")
            self._under_way[phone] = call
        to = self._settings.hotline
        self._events.record(phone, "call", call=sid, state="ringing", to=to, caller=caller)
        Thread(target=self._run, args=(call, caller), name=f"call {phone}", daemon=True).start()
        return sid

    def of(self, phone: str) -> Call:
        """Return the call a phone is in, or raise NotInCall."""
        self._phones.get(phone)
        call = self._under_way.get(phone)
        if call is None:
            raise NotInCall(f"the phone {phone} is in no call")
        return call

    def busy(self, phone: str) -> bool:
        """Tell whether a phone is in a call."""
        return phone in self._under_way

    def press(self, phone: str, keys: str) -> int:
        """Press keys during a call; return how many were listened for."""
        call = self.of(phone)
        self._events.record(phone, "pressed", call=call.sid, keys=keys)
        return call.line.press(keys)

    def utter(self, phone: str, words: str) -> bool:
        """Say something during a call; return whether the service was listening."""
        call = self.of(phone)
        self._events.record(phone, "said", call=call.sid, words=words)
        return call.line.utter(words)

    def hang_up(self, phone: str) -> None:
        """Put the receiver down."""
        self.of(phone).line.hang_up()

    def restore(self, event: Event) -> None:
        """Watch the journal for calls that were under way when the network died."""
        if event["state"] == "ended":
            self._cut_off.pop(event["call"], None)
        elif event["state"] == "ringing":
            self._cut_off[event["call"]] = event

    def end_cut_off(self) -> None:
        """End the calls that a death of the network cut off, on the phone and at the product."""
        for event in self._cut_off.values():
            fields = self._fields(event["call"], event["caller"])
            self._end(event["phone"], event["call"], fields, 0, "network")
        self._cut_off = {}

    def _run(self, call: Call, caller: str) -> None:
        start = time()
        by = "service"
        try:
            call.talk()
        except HungUp:
            by = "caller"
        except ServiceHungUp:
            pass
        finally:
            call.line.hang_up()
            with self._lock:
                del self._under_way[call.phone]
            seconds = round(time() - start)
            self._end(call.phone, call.sid, self._fields(call.sid, caller), seconds, by)

    def _end(self, phone: str, sid: str, fields: dict[str, str], seconds: int, by: str) -> None:
        ended = {**fields, "CallStatus": "completed", "CallDuration": str(seconds)}
        self._callbacks.post(self._doors.at("/voice/ended"), ended, phone=phone)
        self._events.record(phone, "call", call=sid, state="ended", by=by, seconds=seconds)

    def _fields(self, sid: str, caller: str) -> dict[str, str]:
        to = self._settings.hotline
        return {
            "CallSid": sid,
            "AccountSid": self._settings.account_sid,
            "From": caller,
            "Caller": caller,
            "To": to,
            "Called": to,
            "CallStatus": "ringing",
            "ApiVersion": "2010-04-01",
            "Direction": "inbound",
            "FromCity": "",
            "FromState": "",
            "FromZip": "",
            "FromCountry": "" if caller == "anonymous" else "CN",
            "ToCity": "",
            "ToState": "",
            "ToZip": "",
            "ToCountry": "CN",
        }
