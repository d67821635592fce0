"""One call to the hotline: fetches documents from the product and performs them to the caller."""

from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urlencode, urljoin

from simulator.doors import BUDGET, Answer, Doors, NoAnswer
from simulator.events import Events
from simulator.gather import Terms, collect, number, terms
from simulator.line import Line
from simulator.settings import Settings
from simulator.twiml import NotTwiml, Verb, verbs

# The voice side publishes no limit; the messaging side stops at this many documents.
_MOST_DOCUMENTS = 50
_CHINESE_CHARACTER, _OTHER_CHARACTER = 0.18, 0.06
_AGENT_PICKS_UP, _AGENT_TALKS = 1.5, 4.0
_SORRY = "An application error has occurred. Goodbye."
_CONNECT_TRIES = 3


class ServiceHungUp(Exception):
    """The service ended the call."""


@dataclass(frozen=True)
class Onward:
    """Where the call goes next; `answered` when the caller gave something to go on."""

    url: str
    method: str = "POST"
    fields: dict[str, str] = field(default_factory=dict)
    answered: bool = False


class Call:
    """Runs in a thread of its own, from ringing until one side hangs up."""

    def __init__(
        self,
        sid: str,
        phone: str,
        fields: dict[str, str],
        settings: Settings,
        doors: Doors,
        events: Events,
    ) -> None:
        self.sid = sid
        self.phone = phone
        self.line = Line()
        self._fields = fields
        self._documents = 0
        self._settings = settings
        self._doors = doors
        self._events = events
        self._verbs = {
            "Say": self._say,
            "Pause": self._pause,
            "Play": self._play,
            "Gather": self._gather,
            "Redirect": self._redirect,
            "Dial": self._dial,
            "Hangup": self._hang_up,
            "Reject": self._hang_up,
        }

    def talk(self) -> None:
        """Perform document after document; returns when the last one has nothing more to do."""
        onward: Onward | None = Onward(self._doors.at("/voice"))
        unanswered = 0
        try:
            while onward and unanswered < _MOST_DOCUMENTS:
                answer = self._fetch(onward)
                self._answered()
                onward = self._perform(verbs(answer), answer.url)
                unanswered = 0 if onward and onward.answered else unanswered + 1
        except (NotTwiml, NoAnswer) as fault:
            self._note(f"网络:{fault}", f"network: {fault}")
            self._speak(_SORRY, "en-US", "woman")
        else:
            if onward:
                self._note(
                    "五十个文档无人应答，挂断。", "Fifty documents without an answer: hung up."
                )

    def _fetch(self, onward: Onward) -> Answer:
        fields = {**self._fields, **onward.fields}
        url = urljoin(self._doors.at("/"), onward.url)
        self._documents += 1
        until = monotonic() + BUDGET
        tries = 1
        while True:
            try:
                return self._ask(onward.method, url, fields, until - monotonic())
            except NoAnswer:
                if tries == _CONNECT_TRIES:
                    raise
                tries += 1
                self.line.pause(0.3)

    def _ask(self, method: str, url: str, fields: dict[str, str], budget: float) -> Answer:
        once = f"{self.sid}.{self._documents}"
        if method == "GET":
            joint = "&" if "?" in url else "?"
            return self._doors.get(f"{url}{joint}{urlencode(fields)}", once, budget)
        return self._doors.post(url, fields, once, budget)

    def _answered(self) -> None:
        if self.line.over:
            # What a door answers after the caller has gone is not performed.
            self.line.pause(0)
        if self._fields["CallStatus"] == "ringing":
            self._fields["CallStatus"] = "in-progress"
            self._events.record(self.phone, "call", call=self.sid, state="in-progress")

    def _perform(self, document: tuple[Verb, ...], url: str) -> Onward | None:
        for verb in document:
            perform = self._verbs.get(verb.name)
            if perform is None:
                self._note(f"忽略未知指令 {verb.name}", f"ignored: the verb {verb.name}")
                continue
            onward = perform(verb, url)
            if onward:
                return onward
        return None

    def _say(self, verb: Verb, _url: str) -> None:
        times = int(number(verb.attributes.get("loop"), 1)) or 1000
        for _ in range(times):
            language = verb.attributes.get("language", "en-US")
            if self._speak(verb.text, language, verb.attributes.get("voice", "man")):
                return

    def _speak(self, text: str, language: str, voice: str) -> bool:
        seconds = self._settings.speech * sum(
            _OTHER_CHARACTER if character.isascii() else _CHINESE_CHARACTER for character in text
        )
        self._events.record(
            self.phone,
            "spoken",
            call=self.sid,
            text=text,
            language=language,
            voice=voice,
            seconds=round(seconds, 2),
        )
        return self.line.pause(seconds)

    def _pause(self, verb: Verb, _url: str) -> None:
        self.line.pause(number(verb.attributes.get("length"), 1) * self._settings.silence)

    def _play(self, verb: Verb, _url: str) -> None:
        self._note(f"播放录音 {verb.text}", f"plays {verb.text}")

    def _gather(self, verb: Verb, url: str) -> Onward | None:
        asked = terms(verb)
        self.line.listen(asked.ears)
        try:
            self._listening(asked)
            for prompt in verb.inside:
                if prompt.name in {"Say", "Play", "Pause"} and not self.line.pause(0):
                    self._verbs[prompt.name](prompt, url)
            got = collect(self.line, asked, self._settings.silence)
        finally:
            self.line.listen(frozenset())
        if got.empty and not asked.on_empty:
            self._note("没有听到输入", "no input was heard")
            return None
        return Onward(urljoin(url, asked.action), asked.method, got.fields(), not got.empty)

    def _listening(self, asked: Terms) -> None:
        self._events.record(
            self.phone,
            "listening",
            call=self.sid,
            input=sorted(asked.ears),
            num_digits=asked.num_digits,
            finish_on_key=asked.finish_on_key,
            timeout=asked.timeout,
        )

    def _redirect(self, verb: Verb, url: str) -> Onward:
        return Onward(urljoin(url, verb.text), verb.attributes.get("method", "POST").upper())

    def _dial(self, verb: Verb, url: str) -> Onward | None:
        self._note(f"正在接通人工台 {verb.text}", f"connecting to an agent {verb.text}".rstrip())
        self.line.pause(_AGENT_PICKS_UP * self._settings.silence)
        self._speak("您好，人工台，很高兴为您服务。", "cmn-CN", "agent")
        self._speak("Hello, this is the agent's desk.", "en-US", "agent")
        self.line.pause(_AGENT_TALKS * self._settings.silence)
        self._note("人工台已挂机", "the agent has hung up")
        action = verb.attributes.get("action")
        if not action:
            return None
        fields = {
            "DialCallStatus": "completed",
            "DialCallSid": f"CA{self.sid[:1:-1]}",
            "DialCallDuration": str(round(_AGENT_TALKS)),
        }
        return Onward(urljoin(url, action), verb.attributes.get("method", "POST").upper(), fields)

    def _hang_up(self, _verb: Verb, _url: str) -> None:
        raise ServiceHungUp

    def _note(self, zh: str, en: str) -> None:
        self._events.record(self.phone, "call_note", call=self.sid, zh=zh, en=en)
