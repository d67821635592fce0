"""The result of one check."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check; ``fix`` names the remedy. A warning is ok and has a fix."""

    ok: bool
    subject: str
    fix: str = ""

    @property
    def mark(self) -> str:
        """The result in a word: ok, warn or no."""
        return "no" if not self.ok else "warn" if self.fix else "ok"
