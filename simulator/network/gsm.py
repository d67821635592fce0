"""GSM 7-bit alphabet (3GPP TS 23.038) and the number of segments of a text."""

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "^{}\\[~]|€\f"

_SINGLE_7BIT, _PART_7BIT = 160, 153
_SINGLE_UCS2, _PART_UCS2 = 70, 67


def to_7bit(body: str) -> str:
    """Return the body with a question mark for each character outside the 7-bit alphabet."""
    return "".join(c if c in _BASIC or c in _EXTENDED else "?" for c in body)


def segments(body: str) -> int:
    """Return the number of segments of a body; an empty one takes one."""
    if to_7bit(body) == body:
        units = sum(2 if character in _EXTENDED else 1 for character in body)
        return 1 if units <= _SINGLE_7BIT else -(-units // _PART_7BIT)
    units = len(body.encode("utf-16-be")) // 2
    return 1 if units <= _SINGLE_UCS2 else -(-units // _PART_UCS2)
