"""Providers' codes of failure in the language of a page."""

from web.staff.rendering import StaffSite


def failure_meaning(site: StaffSite, provider: str, code: str) -> str:
    """The meaning of a code and the next step."""
    family = "twilio" if provider == "twilio" else "smsc"
    key = f"failure.{family}.{code}"
    return site.text(key) if key in site.catalogue else site.text(f"failure.{family}.unknown")
