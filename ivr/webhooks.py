"""The three webhooks of the 10086 line: answer, key pressed, call ended."""

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, request

from ivr.dialogue import Hotline, Pressed
from ivr.place import NoPlace, Place
from ivr.steps import Step
from ivr.twiml import twiml
from receipts.delivery import Delivery
from receipts.model import Language, Msisdn
from receipts.numbering import parse_msisdn
from receipts.ports import StoreUnavailable

Fields = Callable[..., Mapping[str, str]]
Refuse = Callable[[str], Response]
Learn = Callable[[Msisdn], None]


def blueprint(
    hotline: Hotline, delivery: Delivery, fields: Fields, refuse: Refuse, learn: Learn
) -> Blueprint:
    """The hotline's doors; ``fields`` gives a verified request's fields, the named ones there."""
    doors = Blueprint("ivr", __name__)

    @doors.post("/voice")
    def voice() -> Response:
        return _spoken(_answered(hotline, learn, fields("CallSid", "From")["From"]))

    @doors.post("/voice/key")
    def voice_key() -> Response:
        asked = fields("CallSid", "From")
        try:
            place = Place.read(request.args)
        except NoPlace as lacking:
            return refuse(str(lacking))
        return _spoken(_after_key(hotline, place, asked))

    @doors.post("/voice/ended")
    def voice_ended() -> Response:
        asked = fields("CallSid", "From")
        caller = parse_msisdn(asked["From"])
        if caller is not None:
            hotline.ended(asked["CallSid"], caller, delivery)
        return Response(status=204)

    @doors.errorhandler(StoreUnavailable)
    def store_out_of_reach(_: StoreUnavailable) -> Response:
        if request.endpoint == "ivr.voice_ended":
            return Response(status=503)
        spoken = request.args.get("lang", "")
        known = Language(spoken) if spoken in set(Language) else None
        return _spoken(hotline.trouble(known))

    return doors


def _answered(hotline: Hotline, learn: Learn, raw: str) -> list[Step]:
    caller = parse_msisdn(raw)
    if caller is not None:
        learn(caller)
    return hotline.answer(caller)


def _after_key(hotline: Hotline, place: Place, asked: Mapping[str, str]) -> list[Step]:
    caller = parse_msisdn(asked["From"])
    if caller is None:
        return hotline.answer(None)
    key, speech = asked.get("Digits", ""), asked.get("SpeechResult", "")
    return hotline.pressed(Pressed(asked["CallSid"], caller, place, key, speech))


def _spoken(steps: list[Step]) -> Response:
    return Response(twiml(steps), content_type="text/xml; charset=utf-8")
