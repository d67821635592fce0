"""One call to the hotline: fetches TwiML documents and performs their verbs."""

from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from urllib.parse import urljoin

from simulator.account.state import Account
from simulator.network.events import EventLog
from simulator.network.numbering import country_of
from simulator.settings import SimulatorSettings
from simulator.voice.call_leg import CallLeg
from simulator.voice.gather import collect, gather_options, parse_number
from simulator.webhooks.client import (
    BUDGET_SECONDS,
    WebhookClient,
    WebhookError,
    WebhookResponse,
    failed,
)
from simulator.webhooks.twiml import TwimlError, TwimlVerb, parse_verbs

# Twilio states no limit for voice; its messaging stops at this many documents.
_MAX_DOCUMENTS_WITHOUT_INPUT = 50
_MAX_ATTEMPTS = 3
_RETRY_SECONDS = 0.3
_SECONDS_PER_CHINESE, _SECONDS_PER_OTHER = 0.18, 0.06
_AGENT_ANSWER_SECONDS, _AGENT_TALK_SECONDS = 1.5, 4.0
_ENDLESS_LOOPS = 1000
_APPLICATION_ERROR = "An application error has occurred. Goodbye."


class ServiceHungUpError(Exception):
    """The document has ended the call."""


@dataclass(frozen=True)
class DocumentRequest:
    """The next document to fetch; `has_input` when the caller gave input for it."""

    url: str
    method: str = "POST"
    fields: dict[str, str] = field(default_factory=dict)
    has_input: bool = False


@dataclass
class Call:
    """Performs one call, in its own thread, until one side hangs up."""

    sid: str
    phone: str
    fields: dict[str, str]
    settings: SimulatorSettings
    account: Account
    client: WebhookClient
    events: EventLog
    leg: CallLeg = field(default_factory=CallLeg)
    _fetched: int = 0

    def run(self) -> None:
        """Perform document after document. Raises: CallerHungUpError, ServiceHungUpError."""
        addresses = self.account.call_addresses(self.settings.hotline)
        if not addresses:
            zh, en = "号码没有设置电话地址。", "The number has no address for calls."
            self._note(zh, en)
            return
        self._follow(DocumentRequest(addresses[0]), addresses[1:])

    def _follow(self, request: DocumentRequest | None, fallbacks: list[str]) -> None:
        """Perform a document and those that it leads to; after an error, the fallback's."""
        without_input, last = 0, ""
        try:
            while request and without_input < _MAX_DOCUMENTS_WITHOUT_INPUT:
                last = request.url
                response = self._fetch(request)
                self._connect()
                request = self._perform(parse_verbs(response), response.url)
                without_input = 0 if request and request.has_input else without_input + 1
        except (TwimlError, WebhookError) as error:
            self._note(f"网络：{error}", f"network: {error}")
            if not fallbacks:
                self._speak(_APPLICATION_ERROR, "en-US", "woman")
                return
            self._follow(DocumentRequest(fallbacks[0], fields=failed(last, error.code)), [])
        else:
            if request:
                zh = "连续 50 个 TwiML 文档都没有等待输入，已挂断。"
                en = "50 TwiML documents in a row asked for no input. Call ended."
                self._note(zh, en)

    def _fetch(self, request: DocumentRequest) -> WebhookResponse:
        url = urljoin(self.client.url("/"), request.url)
        self._fetched += 1
        token, deadline = f"{self.sid}.{self._fetched}", monotonic() + BUDGET_SECONDS
        fetch = partial(
            self.client.request, request.method, url, {**self.fields, **request.fields}, token
        )
        for _ in range(_MAX_ATTEMPTS - 1):
            try:
                return fetch(deadline - monotonic())
            except WebhookError:
                self.leg.pause(_RETRY_SECONDS)
        return fetch(deadline - monotonic())

    def _connect(self) -> None:
        # A document that arrives after the caller's hang-up is not performed.
        self.leg.pause(0)
        if self.fields["CallStatus"] == "ringing":
            self.fields["CallStatus"] = "in-progress"
            self.events.record(self.phone, "call", call=self.sid, state="in-progress")

    def _perform(self, document: tuple[TwimlVerb, ...], url: str) -> DocumentRequest | None:
        requests = (self._perform_verb(verb, url) for verb in document)
        return next((request for request in requests if request), None)

    def _perform_verb(self, verb: TwimlVerb, url: str) -> DocumentRequest | None:
        """Perform a verb and return the document that it leads to, if any."""
        match verb.name:
            case "Say":
                self._say(verb)
            case "Pause":
                self._be_silent(parse_number(verb.attributes.get("length"), 1))
            case "Play":
                self._note(f"播放录音 {verb.text}", f"plays {verb.text}")
            case "Gather":
                return self._gather(verb, url)
            case "Redirect":
                return DocumentRequest(urljoin(url, verb.text), _method(verb))
            case "Dial":
                return self._dial(verb, url)
            case "Hangup" | "Reject":
                raise ServiceHungUpError
            case _:
                self._note(f"忽略未知指令 {verb.name}", f"ignored: the verb {verb.name}")
        return None

    def _say(self, verb: TwimlVerb) -> None:
        language = verb.attributes.get("language", "en-US")
        voice = verb.attributes.get("voice", "man")
        for _ in range(int(parse_number(verb.attributes.get("loop"), 1)) or _ENDLESS_LOOPS):
            if self._speak(verb.text, language, voice):
                return

    def _speak(self, text: str, language: str, voice: str) -> bool:
        """Speak a text; return True when the caller's input cut it short."""
        seconds = self.settings.speech_factor * sum(
            _SECONDS_PER_OTHER if c.isascii() else _SECONDS_PER_CHINESE for c in text
        )
        spoken = {"text": text, "language": language, "voice": voice, "seconds": round(seconds, 2)}
        self.events.record(self.phone, "spoken", call=self.sid, **spoken)
        return self.leg.pause(seconds)

    def _be_silent(self, seconds: float) -> None:
        self.leg.pause(seconds * self.settings.silence_factor)

    def _gather(self, verb: TwimlVerb, url: str) -> DocumentRequest | None:
        options = gather_options(verb)
        self.leg.listen(options.input)
        try:
            awaited = {"input": sorted(options.input), "timeout": options.timeout_seconds}
            end = {"num_digits": options.num_digits, "finish_on_key": options.finish_on_key}
            self.events.record(self.phone, "listening", call=self.sid, **awaited, **end)
            for prompt in verb.children:
                if prompt.name in {"Say", "Play", "Pause"} and not self.leg.pause(0):
                    self._perform_verb(prompt, url)
            result = collect(self.leg, options, self.settings.silence_factor)
        finally:
            self.leg.listen(frozenset())
        if result.is_empty and not options.action_on_empty_result:
            self._note("没有听到输入", "no input was heard")
            return None
        action = urljoin(url, options.action)
        return DocumentRequest(action, options.method, result.fields(), not result.is_empty)

    def _dial(self, verb: TwimlVerb, url: str) -> DocumentRequest | None:
        if code := self._dialing_error(verb.text.strip()):
            self._note(f"人工台无法接通（{code}）", f"the agent cannot be called ({code})")
            return self._after_dial(verb, url, {"DialCallStatus": "failed"})
        self._note(f"正在接通人工台 {verb.text}", f"connecting to an agent {verb.text}".rstrip())
        self._be_silent(_AGENT_ANSWER_SECONDS)
        self._speak("您好，人工台，很高兴为您服务。", "cmn-CN", "agent")
        self._speak("Hello, this is the agent's desk.", "en-US", "agent")
        self._be_silent(_AGENT_TALK_SECONDS)
        self._note("人工台已挂机", "the agent has hung up")
        fields = {
            "DialCallStatus": "completed",
            "DialCallSid": f"CA{self.sid[:1:-1]}",
            "DialCallDuration": str(round(_AGENT_TALK_SECONDS)),
        }
        return self._after_dial(verb, url, fields)

    def _dialing_error(self, number: str) -> str:
        """Return the error code with which Twilio refuses to call a number; empty if it calls."""
        state = self.account.state
        if state.type == "Trial" and number not in state.verified_callers:
            return "21219"
        return "13227" if country_of(number) in state.no_calls_to else ""

    def _after_dial(
        self, verb: TwimlVerb, url: str, fields: dict[str, str]
    ) -> DocumentRequest | None:
        action = verb.attributes.get("action")
        return DocumentRequest(urljoin(url, action), _method(verb), fields) if action else None

    def _note(self, zh: str, en: str) -> None:
        self.events.record(self.phone, "call_note", call=self.sid, zh=zh, en=en)


def _method(verb: TwimlVerb) -> str:
    return verb.attributes.get("method", "POST").upper()
