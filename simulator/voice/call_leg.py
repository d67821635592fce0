"""The caller's leg of a call: keys, speech and hang-up."""

from collections import deque
from dataclasses import dataclass
from threading import Condition


class CallerHungUpError(Exception):
    """The caller has ended the call."""


@dataclass(frozen=True)
class CallerInput:
    """One key, or one spoken utterance."""

    key: str = ""
    speech: str = ""


class CallLeg:
    """Takes input only while the service listens; earlier input is not kept."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._inputs: deque[CallerInput] = deque()
        self._accepted: frozenset[str] = frozenset()
        self._ended = False

    def press(self, keys: str) -> int:
        """Press keys and return how many the service takes."""
        return self._put("dtmf", [CallerInput(key=key) for key in keys])

    def speak(self, speech: str) -> int:
        """Speak an utterance; return 1 when the service takes it."""
        return self._put("speech", [CallerInput(speech=speech)])

    def hang_up(self) -> None:
        """End the call."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def listen(self, accepted: frozenset[str]) -> None:
        """Take these kinds of input from now on: `dtmf`, `speech`, both or neither."""
        with self._changed:
            self._accepted = accepted
            self._inputs.clear()

    def pause(self, seconds: float) -> bool:
        """Wait; return True at once on input. Raises: CallerHungUpError."""
        with self._changed:
            self._wait(seconds)
            return bool(self._inputs)

    def next_input(self, seconds: float) -> CallerInput | None:
        """Return the next input, or None after so long a silence. Raises: CallerHungUpError."""
        with self._changed:
            self._wait(seconds)
            return self._inputs.popleft() if self._inputs else None

    def _put(self, kind: str, inputs: list[CallerInput]) -> int:
        with self._changed:
            if self._ended or kind not in self._accepted:
                return 0
            self._inputs.extend(inputs)
            self._changed.notify_all()
            return len(inputs)

    def _wait(self, seconds: float) -> None:
        self._changed.wait_for(lambda: self._inputs or self._ended, seconds)
        if self._ended:
            raise CallerHungUpError
