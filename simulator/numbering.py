"""One way to write each number: 11 digits for a mobile, few for a service, + for abroad."""

import re
import unicodedata

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_ABROAD = re.compile(r"\+[1-9][0-9]{6,14}")
_SERVICE = re.compile(r"[0-9]{3,8}")


def canonical(text: str) -> str:
    """Return the number as this network writes it, or an empty string when it is no number."""
    plain = re.sub(r"[\s()\-.]", "", unicodedata.normalize("NFKC", text))
    home = re.sub(r"^(?:\+86|0086|86)(?=1[3-9][0-9]{9}$)", "", plain)
    if _MOBILE.fullmatch(home) or _SERVICE.fullmatch(home):
        return home
    # +86 followed by anything but a mobile is no number a text can reach.
    return home if _ABROAD.fullmatch(home) and not home.startswith("+86") else ""


def is_mobile(number: str) -> bool:
    """Tell whether a canonical number is a mainland mobile: one that a phone here can have."""
    return bool(_MOBILE.fullmatch(number))


def is_service(number: str) -> bool:
    """Tell whether a canonical number is a short one, answered by a service and not by a person."""
    return bool(_SERVICE.fullmatch(number))


def e164(number: str) -> str:
    """Return the number as the outside world writes it; short numbers stay bare digits."""
    return f"+86{number}" if is_mobile(number) else number
