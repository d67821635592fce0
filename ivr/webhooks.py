"""The three webhooks of the 10086 line: answer, key pressed, call ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, request

from ivr.dialogue import Hotline, Pressed
from ivr.place import NoPlace, Place
from ivr.twiml import twiml
from receipts.delivery import Delivery
from receipts.model import Language, Msisdn
from receipts.numbering import parse_msisdn
from receipts.ports import StoreUnavailable

Fields = Callable[..., Mapping[str, str]]
Refuse = Callable[[str], Response]
Learn = Callable[[Msisdn], None]


#: What every word of a call must say for itself.
CALL_NEEDS = ("CallSid", "From")


@dataclass(frozen=True, slots=True)
class Calls:
    """What the hotline says when a call comes in and when a key is pressed, as TwiML."""

    hotline: Hotline
    learn: Learn

    def answered(self, asked: Mapping[str, str]) -> str:
        """A call comes in."""
        caller = parse_msisdn(asked["From"])
        if caller is not None:
            self.learn(caller)
        return twiml(self.hotline.answer(caller))

    def pressed(self, asked: Mapping[str, str], query: Mapping[str, str]) -> str:
        """A key, some words or silence, at the place that the link tells of. Raises NoPlace."""
        place, caller = Place.read(query), parse_msisdn(asked["From"])
        if caller is None:
            return twiml(self.hotline.answer(None))
        key, speech = asked.get("Digits", ""), asked.get("SpeechResult", "")
        return twiml(self.hotline.pressed(Pressed(asked["CallSid"], caller, place, key, speech)))


def blueprint(calls: Calls, delivery: Delivery, fields: Fields, refuse: Refuse) -> Blueprint:
    """The hotline's doors; ``fields`` gives a verified request's fields, the named ones there."""
    doors = Blueprint("ivr", __name__)

    @doors.post("/voice")
    def voice() -> Response:
        return _spoken(calls.answered(fields(*CALL_NEEDS)))

    @doors.post("/voice/key")
    def voice_key() -> Response:
        return _spoken(calls.pressed(fields(*CALL_NEEDS), request.args))

    @doors.errorhandler(NoPlace)
    def no_place(lacking: NoPlace) -> Response:
        return refuse(str(lacking))

    @doors.post("/voice/ended")
    def voice_ended() -> Response:
        asked = fields("CallSid", "From")
        caller = parse_msisdn(asked["From"])
        if caller is not None:
            calls.hotline.ended(asked["CallSid"], caller, delivery)
        return Response(status=204)

    @doors.errorhandler(StoreUnavailable)
    def store_out_of_reach(_: StoreUnavailable) -> Response:
        if request.endpoint == "ivr.voice_ended":
            return Response(status=503)
        spoken = request.args.get("lang", "")
        known = Language(spoken) if spoken in set(Language) else None
        return _spoken(twiml(calls.hotline.trouble(known)))

    return doors


def _spoken(page: str) -> Response:
    return Response(page, content_type="text/xml; charset=utf-8")
