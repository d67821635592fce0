"""What passes between a caller and the service: keys, words, and the receiver put down."""

from collections import deque
from dataclasses import dataclass
from threading import Condition
from time import monotonic


class HungUp(Exception):
    """The caller put the receiver down."""


@dataclass(frozen=True)
class Heard:
    """One key, or one spoken utterance."""

    key: str = ""
    words: str = ""


class Line:
    """Hears the caller only while the service listens, as a gateway does: no typing ahead."""

    def __init__(self) -> None:
        self._bell = Condition()
        self._heard: deque[Heard] = deque()
        self._ears: frozenset[str] = frozenset()
        self._over = False

    @property
    def over(self) -> bool:
        """Tell whether the receiver is down."""
        return self._over

    def press(self, keys: str) -> int:
        """Press keys; return how many the service was listening for."""
        with self._bell:
            if self._over or "dtmf" not in self._ears:
                return 0
            self._heard.extend(Heard(key=key) for key in keys)
            self._bell.notify_all()
            return len(keys)

    def utter(self, words: str) -> bool:
        """Say something; return whether the service was listening for speech."""
        with self._bell:
            if self._over or "speech" not in self._ears:
                return False
            self._heard.append(Heard(words=words))
            self._bell.notify_all()
            return True

    def hang_up(self) -> bool:
        """Put the receiver down; return whether it was still up."""
        with self._bell:
            was_up = not self._over
            self._over = True
            self._bell.notify_all()
            return was_up

    def listen(self, ears: frozenset[str]) -> None:
        """Begin to hear keys, speech, both or nothing; what came before is forgotten."""
        with self._bell:
            self._ears = ears
            self._heard.clear()

    def pause(self, seconds: float) -> bool:
        """Let time pass; True at once when the caller did something, HungUp if he is gone."""
        with self._bell:
            self._wait(seconds)
            return bool(self._heard)

    def next(self, seconds: float) -> Heard | None:
        """Return the next key or utterance, or None after so many seconds of silence."""
        with self._bell:
            self._wait(seconds)
            return self._heard.popleft() if self._heard else None

    def _wait(self, seconds: float) -> None:
        until = monotonic() + seconds
        while not self._heard and not self._over and (left := until - monotonic()) > 0:
            self._bell.wait(left)
        if self._over:
            raise HungUp
