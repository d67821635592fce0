"""Rule book as plain text: tables of all provinces, and a page for each."""

import unicodedata
from collections.abc import Iterator, Sequence

from receipts.model.vocabulary import Channel, Intent, Language
from receipts.rulebook.schema import CancellationEffect, Promotion, Province, RuleBook, Tariff

_DOORS = {
    Channel.TEXT: "7500 text",
    Channel.VOICE: "10086 voice",
    Channel.WEB: "portal",
    Channel.COUNTER: "counter",
}
_EFFECTS = {
    CancellationEffect.MONTH_END: "at the end of the month",
    CancellationEffect.NOW: "at once",
}
_PASSWORD = {
    True: "asked on the hotline before subscribing",
    False: "not asked on the hotline",
}
_WEB_PASSWORD = {
    True: "another way to sign in to the online hall",
    False: "no way to sign in to the online hall",
}
_SHOWN = (Intent.OPEN, Intent.CANCEL, Intent.ASK)
_DOORS_HEAD = ("Province", "", *_DOORS.values(), "Subscribe", "Cancel", "Check", "Cancellation")
_FEES_HEAD = ("Province", "Tariff", "From", "Yuan a month", "Yuan a receipt", "Free", "Trial")
_MESSAGES_HEAD = ("Message", "Kind", "Provinces", "From", "Until", "Chinese", "English")
_INVENTED = "The values of this book are invented, for trials only."


def check_report(book: RuleBook) -> str:
    """Tables of a validated book: channels and keywords, fees, promotions."""
    provinces = list(book.provinces.values())
    channels = [_DOORS_HEAD, *map(_doors_row, provinces)]
    fees = [_FEES_HEAD, *(_fee_row(each, fee) for each in provinces for fee in each.tariffs)]
    parts = [f"Rule book {book.version}: {len(provinces)} provinces, no problems found."]
    parts += [*([_INVENTED] if book.invented else []), "", *_table(channels), "", *_table(fees)]
    if book.messages:
        parts += ["", *_table([_MESSAGES_HEAD, *map(_message_row, book.messages)])]
    return "\n".join(parts)


def describe(book: RuleBook, code: str) -> str:
    """Page of one province, or a line saying that it is not covered."""
    province = book.province(code)
    name = f"{code} {book.name(code, Language.EN)} {book.name(code, Language.ZH)}"
    if province is None:
        return f"{name}: not covered" if code in book.names else f"{code}: no such province"
    limits = book.limits_in(code)
    promotions = [each for each in book.messages if not each.provinces or code in each.provinces]
    cap = _yuan(limits.monthly_cap_fen)
    replies = f"{limits.replies_an_hour} replies an hour and {limits.replies_a_day} a day"
    lines = [
        name,
        *([_INVENTED] if book.invented else []),
        "Channels:      " + ", ".join(_DOORS[channel] for channel in province.doors),
        "Languages:     " + ", ".join(province.languages),
        "Greeting in:   " + ", ".join(province.greeting),
        f"Confirmation:  within {province.confirmation_hours} hours",
        f"Cancellation:  {_EFFECTS[province.cancel_takes_effect]}",
        f"Limits:        {replies}, {limits.receipts_shown} receipts shown, {cap} yuan a month",
        f"Password:      {_PASSWORD[province.voice_password]},",
        f"               {_WEB_PASSWORD[province.web_password]}",
        "Words:",
        *(f"  {intent:<11}  {', '.join(_words(book, province, intent))}" for intent in Intent),
        "Tariffs:",
        *(f"  {_tariff(tariff)}" for tariff in province.tariffs),
        "Messages (only for customers who agreed to the kind):",
        *(f"  {_message(each)}" for each in promotions),
    ]
    return "\n".join(lines)


def _doors_row(province: Province) -> tuple[str, ...]:
    return (
        f"{province.code} {province.names.en}",
        province.names.zh,
        *("yes" if channel in province.doors else "-" for channel in _DOORS),
        *(", ".join(province.words.get(intent, ("-",))) for intent in _SHOWN),
        _EFFECTS[province.cancel_takes_effect],
    )


def _message_row(message: Promotion) -> tuple[str, ...]:
    where, days = ", ".join(message.provinces) or "all", (str(message.since), str(message.until))
    return (message.name, message.kind, where, *days, message.zh, message.en)


def _message(message: Promotion) -> str:
    days = f"{message.since} to {message.until}"
    return f"{message.name} ({message.kind}, {days}): {message.zh} / {message.en}"


def _fee_row(province: Province, tariff: Tariff) -> tuple[str, ...]:
    return (
        f"{province.code} {province.names.en}",
        tariff.version,
        str(tariff.since),
        _yuan(tariff.monthly_fen),
        _yuan(tariff.per_receipt_fen),
        f"{tariff.free_receipts} a month" if tariff.free_receipts else "-",
        f"{tariff.trial_days} days" if tariff.trial_days else "-",
    )


def _tariff(tariff: Tariff) -> str:
    row = f"{tariff.version} from {tariff.since}: {_yuan(tariff.monthly_fen)} yuan a month, "
    row += f"{_yuan(tariff.per_receipt_fen)} yuan a receipt"
    row += f", {tariff.free_receipts} free a month" if tariff.free_receipts else ""
    return row + (f", {tariff.trial_days} days of trial" if tariff.trial_days else "")


def _words(book: RuleBook, province: Province, intent: Intent) -> Iterator[str]:
    words = book.words
    for listed in (province.words, words.code, words.zh, words.en, words.kept):
        yield from listed.get(intent, ())


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = (cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


def _width(cell: str) -> int:
    """Width in terminal columns: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in cell)
