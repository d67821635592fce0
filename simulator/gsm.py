"""What fits in a text: the 7-bit alphabet of phones, and how many parts a body needs."""

_PLAIN = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "^{}\\[~]|€\f"

_ONE_7BIT, _PART_7BIT = 160, 153
_ONE_UCS2, _PART_UCS2 = 70, 67


def is_7bit(body: str) -> bool:
    """Tell whether a phone can show the whole body in the 7-bit alphabet."""
    return all(character in _PLAIN or character in _EXTENDED for character in body)


def as_7bit(body: str) -> str:
    """Return what arrives when a body is forced through the 7-bit alphabet: question marks."""
    return "".join(c if c in _PLAIN or c in _EXTENDED else "?" for c in body)


def segments(body: str) -> int:
    """Return how many parts the body is sent in; an empty one still takes one."""
    if is_7bit(body):
        size = sum(2 if character in _EXTENDED else 1 for character in body)
        return 1 if size <= _ONE_7BIT else -(-size // _PART_7BIT)
    size = len(body.encode("utf-16-be")) // 2
    return 1 if size <= _ONE_UCS2 else -(-size // _PART_UCS2)
