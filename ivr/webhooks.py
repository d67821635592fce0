"""Twilio's voice webhooks of the 10086 hotline: call answered, key pressed, call ended."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from ivr.call_changes import CallerInput
from ivr.call_context import CallContext, InvalidCallContextError
from ivr.call_flow import CallFlow
from ivr.twiml import twiml
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn
from receipts.ports.store import ReplayedEventError, StoreUnavailableError

_log = structlog.get_logger()

#: Statuses after which a call goes on no more; queued, ringing, in-progress and unknown ones do.
_FINAL_STATUSES = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})

_NUMBER = re.compile(r"[01](?:\.[0-9]{1,20})?", re.ASCII)

#: The verified form of the current request, with the named fields.
FormFields = Callable[..., Mapping[str, str]]

#: The query of the current request.
Query = Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class VoiceWebhooks:
    """Answer the requests of a call with TwiML. Each method raises StoreUnavailableError."""

    call_flow: CallFlow
    lifecycle: ReceiptLifecycle
    refresh_network: Callable[[Msisdn], None]

    def answered(self, form: Mapping[str, str]) -> str:
        """TwiML for an incoming call."""
        caller = parse_msisdn(form["From"])
        if caller is not None:
            self.refresh_network(caller)
        # Twilio may request the call's first document again: each answer begins a new pass.
        verbs = self.call_flow.answer(caller, secrets.token_hex(4))
        self.call_flow.figures.begun(form["CallSid"], caller, verbs)
        return twiml(verbs)

    def key(self, form: Mapping[str, str], query: Mapping[str, str]) -> str:
        """TwiML for DTMF, speech or no input. Raises BadRequest without a valid call context."""
        try:
            context = CallContext.from_query(query)
        except InvalidCallContextError as error:
            raise BadRequest(f"missing or invalid: {error}") from error
        caller = parse_msisdn(form["From"]) or Msisdn("")
        key, speech = form.get("Digits", ""), form.get("SpeechResult", "")
        confidence = _confidence(form.get("Confidence", ""))
        pressed = CallerInput(form["CallSid"], caller, context, key, speech, confidence)
        return twiml(self.call_flow.handle_input(pressed))

    def ended(self, form: Mapping[str, str]) -> None:
        """Send the summary of a call whose status is final; any other status changes nothing."""
        caller = parse_msisdn(form["From"])
        if caller is not None and form.get("CallStatus", "completed") in _FINAL_STATUSES:
            self.call_flow.ended(form["CallSid"], caller, self.lifecycle)


def _confidence(raw: str) -> float | None:
    """Certainty of recognised speech; None where it is missing or no number."""
    return float(raw) if _NUMBER.fullmatch(raw) else None


def voice_blueprint(webhooks: VoiceWebhooks, fields: FormFields, query: Query) -> Blueprint:
    """``POST /voice``, ``/voice/key`` and ``/voice/ended``."""
    blueprint = Blueprint("ivr", __name__)

    @blueprint.post("/voice")
    def voice() -> Response:
        return _xml(webhooks.answered(fields("CallSid", "From")))

    @blueprint.post("/voice/key")
    def voice_key() -> Response:
        return _xml(webhooks.key(fields("CallSid", "From"), query()))

    @blueprint.post("/voice/ended")
    def voice_ended() -> Response:
        webhooks.ended(fields("CallSid", "From"))
        return Response(status=204)

    @blueprint.errorhandler(StoreUnavailableError)
    def store_unavailable(_: StoreUnavailableError) -> Response:
        if request.endpoint == "ivr.voice_ended":
            return Response(status=503)
        return _xml(twiml(webhooks.call_flow.apology(query().get("lang", ""))))

    @blueprint.errorhandler(ReplayedEventError)
    def replayed(error: ReplayedEventError) -> Response:
        _log.warning("an old key press came again", why=str(error))
        return _xml(twiml(webhooks.call_flow.apology(query().get("lang", ""))))

    return blueprint


def _xml(body: str) -> Response:
    return Response(body, content_type="text/xml; charset=utf-8")
