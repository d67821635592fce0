"""Phone numbers in one spelling: 11 digits for a mobile, 3 to 8 for a service, + for abroad."""

import re
import unicodedata

import phonenumbers

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_ABROAD = re.compile(r"\+[1-9][0-9]{6,14}")
_SERVICE = re.compile(r"[0-9]{3,8}")


def canonical(text: str) -> str:
    """Return a number in its one spelling, or an empty string for text that is no number."""
    compact = re.sub(r"[\s()\-.]", "", unicodedata.normalize("NFKC", text))
    domestic = re.sub(r"^(?:\+86|0086|86)(?=1[3-9][0-9]{9}$)", "", compact)
    if _MOBILE.fullmatch(domestic) or _SERVICE.fullmatch(domestic):
        return domestic
    # +86 with any number but a mobile cannot receive texts.
    return domestic if _ABROAD.fullmatch(domestic) and not domestic.startswith("+86") else ""


def is_mobile(number: str) -> bool:
    """Tell whether a canonical number is a mainland mobile."""
    return bool(_MOBILE.fullmatch(number))


def is_service(number: str) -> bool:
    """Tell whether a canonical number is a short code or hotline."""
    return bool(_SERVICE.fullmatch(number))


def is_abroad(number: str) -> bool:
    """Tell whether a canonical number is one of another country."""
    return number.startswith("+")


def country_of(number: str) -> str:
    """Return the country of a number; empty for a short code."""
    full = e164(number)
    if not full.startswith("+"):
        return ""
    try:
        parsed = phonenumbers.parse(full)
    except phonenumbers.NumberParseException:
        return ""
    region = phonenumbers.region_code_for_number(parsed)
    return region or phonenumbers.region_code_for_country_code(parsed.country_code or 0)


def e164(number: str) -> str:
    """Return a canonical mobile as E.164; other numbers stay as they are."""
    return f"+86{number}" if is_mobile(number) else number
