"""How many texts the network makes of one: a subscriber is shown, and pays for, each."""

# 3GPP TS 23.038, section 6.2.1: the default alphabet, and the extension table whose characters
# take two septets (escape and character).
_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("^{}\\[~]|€\f")
_LETTERS = _ALPHABET | _EXTENSION

# 140 octets a text; a part of a longer one gives six of them to the header that joins the parts
# (3GPP TS 23.040, section 9.2.3.24.1).
_SEPTETS, _SEPTETS_A_PART = 160, 153
_UNITS, _UNITS_A_PART = 70, 67


def is_gsm7(text: str) -> bool:
    """Whether the text goes out in the 7-bit alphabet, and so may be 160 long."""
    return _LETTERS.issuperset(text)


def segments(text: str) -> int:
    """How many segments the text takes; an empty one takes one."""
    # A quick look first, for every text to be sent is measured and nearly all are short: what
    # fits one in the wider alphabet fits one in the other, whose letters count two at most.
    if len(text.encode("utf-16-le", "surrogatepass")) <= 2 * _UNITS:
        return 1
    if is_gsm7(text):
        sizes = [2 if each in _EXTENSION else 1 for each in text]
        return _count(sizes, _SEPTETS, _SEPTETS_A_PART)
    sizes = [2 if each > "\uffff" else 1 for each in text]
    return _count(sizes, _UNITS, _UNITS_A_PART)


def _count(sizes: list[int], alone: int, a_part: int) -> int:
    """Parts filled in order: a character of two units never straddles two parts."""
    if sum(sizes) <= alone:
        return 1
    parts, room = 1, a_part
    for size in sizes:
        if size > room:
            parts, room = parts + 1, a_part
        room -= size
    return parts
