"""The result of one check."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check; ``fix`` names the remedy. A warning is ok and has a fix.

    ``alert`` is the alert for the same finding: the runbook has a paragraph of that name.
    """

    ok: bool
    subject: str
    fix: str = ""
    alert: str = ""

    @property
    def mark(self) -> str:
        """The result in a word: ok, warn or no."""
        return "no" if not self.ok else "warn" if self.fix else "ok"

    @property
    def runbook(self) -> str:
        """The paragraph of the runbook about a finding; empty without one."""
        if self.mark == "ok":
            return ""
        return f"docs/runbook.md#{self.alert.lower() or 'what-doctor-says'}"
