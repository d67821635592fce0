"""Country and kind of a number of any country, from the tables of ``phonenumbers``."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

#: Calling code of the North American Numbering Plan: the US, Canada and others share it.
NORTH_AMERICA = 1


def country_of(number: str) -> str:
    """The ISO code of an E.164 number's country, such as US; empty for an unknown one."""
    parsed = _parsed(number)
    if parsed is None:
        return ""
    # Ranges for fiction, such as +44 7700 900123, belong to no region of the tables.
    region = phonenumbers.region_code_for_number(parsed)
    return region or phonenumbers.region_code_for_country_code(parsed.country_code or 0)


def calling_code_of(number: str) -> int:
    """The calling code of an E.164 number, 1 for North America; 0 for an unknown one."""
    parsed = _parsed(number)
    return (parsed.country_code or 0) if parsed else 0


def is_toll_free(number: str) -> bool:
    """Whether the called party pays for calls to this E.164 number."""
    parsed = _parsed(number)
    return parsed is not None and phonenumbers.number_type(parsed) == PhoneNumberType.TOLL_FREE


def _parsed(number: str) -> "phonenumbers.PhoneNumber | None":
    try:
        return phonenumbers.parse(number)
    except NumberParseException:
        return None
