"""Validation of a typed rule book: rules between its values."""

from collections.abc import Iterator
from itertools import pairwise, product

from receipts.model.vocabulary import Channel, Intent, PromotionCategory
from receipts.rulebook.errors import KeyPath, Violation
from receipts.rulebook.normalise import normalise
from receipts.rulebook.schema import PhraseLists, PhraseRole, Province, RuleBook, WordList
from receipts.rulebook.wishes import phrase_units

#: Keywords that Twilio answers itself on long codes and toll-free numbers, and may block a
#: sender for (Twilio help pages on opt-out keywords).
CARRIER_KEYWORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
    | {"START", "YES", "UNSTOP"}
    | {"HELP", "INFO"}
)

_CARRIER_KEYWORDS_NORMALISED = frozenset(map(normalise, CARRIER_KEYWORDS))
#: Intents that each province needs, as a customer's action.
_ACTIONS = {
    Intent.OPEN: "subscribe",
    Intent.CANCEL: "cancel",
    Intent.ASK: "check",
    Intent.ORDINARY: "switch to regular texts",
    Intent.FLASH: "switch to flash messages",
}
_LISTS = ("code", "zh", "en", "kept")
#: Intents whose keyword our texts quote from a list where the province has none of its own.
_QUOTED = (("code", Intent.CANCEL), *product(("zh", "en"), (Intent.OPEN, Intent.ASK)))
#: Keywords that our texts name literally, so each book must have them.
TAUGHT_KEYWORDS = (
    ("code", Intent.ORDINARY, "PT"),
    ("code", Intent.FLASH, "SX"),
    ("code", Intent.RECEIPTS, "ZJHZ"),
    ("code", Intent.CHINESE, "ZH"),
    ("code", Intent.ENGLISH, "EN"),
    ("code", Intent.HELP, "BZ"),
    ("code", Intent.CHARGES, "KFJL"),
    ("code", Intent.LIST_ALL, "0000"),
    ("code", Intent.LIST_ALL, "00000"),
    ("code", Intent.NEWS, "XWXX"),
    ("code", Intent.PUBLIC_INTEREST, "GYXX"),
    ("code", Intent.ADVERTISING, "GGXX"),
    ("code", Intent.NO_MESSAGES, "TDXX"),
    ("code", Intent.YES, "Y"),
    ("code", Intent.YES, "1"),
    ("code", Intent.NO, "0"),
    ("code", Intent.NO, "N"),
    ("zh", Intent.YES, "是"),
)
#: The intent that opts in to each category of promotions.
_OPT_IN = {
    PromotionCategory.NEWS: Intent.NEWS,
    PromotionCategory.PUBLIC_INTEREST: Intent.PUBLIC_INTEREST,
    PromotionCategory.ADVERTISING: Intent.ADVERTISING,
}
#: The hotline menu of provinces has one key (1-9) for each.
_MAX_PROVINCES = 9

#: Path in the book, intent, keyword.
Keyword = tuple[KeyPath, Intent, str]


def validate(book: RuleBook) -> Iterator[Violation]:
    """All violations in a book whose types are right."""
    yield from _service_words(book)
    yield from _quoted_words(book)
    yield from _phrases(book)
    yield from _sending(book)
    yield from _province_count(book)
    yield from _versions(book)
    yield from _promotions(book)
    for province in book.provinces.values():
        yield from _doors(book, province)
        yield from _web_password(province)
        yield from _words(book, province)
        yield from _tariffs(book, province)


def _keywords(words: WordList, where: KeyPath) -> Iterator[Keyword]:
    for intent, spellings in words.items():
        yield from (((*where, intent.value), intent, keyword) for keyword in spellings)


def _common(book: RuleBook) -> Iterator[Keyword]:
    for name in _LISTS:
        yield from _keywords(getattr(book.words, name), ("words", name))


def _service_words(book: RuleBook) -> Iterator[Violation]:
    yield from _clashes(list(_common(book)))
    for where, _, keyword in _common(book):
        kept = where[1] == "kept"
        if (normalise(keyword) in _CARRIER_KEYWORDS_NORMALISED) != kept:
            problem = f"{keyword} is {'not ' if kept else ''}a word the provider keeps"
            yield Violation(
                where, problem, "list exactly the provider's own keywords in [words.kept]"
            )


def _quoted_words(book: RuleBook) -> Iterator[Violation]:
    """Each keyword in a reply to customers must be understood."""
    for name, intent in _QUOTED:
        if intent not in getattr(book.words, name):
            fix = f'add {intent} = ["..."] to [words.{name}]'
            yield Violation(("words", name, intent.value), f"has no word for “{intent}”", fix)
    understood = {(intent, normalise(keyword)) for _, intent, keyword in _common(book)}
    for name, intent, keyword in TAUGHT_KEYWORDS:
        if (intent, normalise(keyword)) not in understood:
            problem = f"our replies teach {keyword} for “{intent}”, but it is not understood"
            fix = f'add "{keyword}" to {intent} in [words.{name}]'
            yield Violation(("words", name, intent.value), problem, fix)


def _phrases(book: RuleBook) -> Iterator[Violation]:
    """Each phrase has something to match, and one role."""
    roles: dict[tuple[str, ...], PhraseRole] = {}
    for language, lists in book.phrases.items():
        yield from _phrase_clashes(lists, ("phrases", language.value), roles)
    for code, province in book.provinces.items():
        yield from _phrase_clashes(province.phrases, ("provinces", code, "phrases"), roles.copy())


def _phrase_clashes(
    lists: PhraseLists, where: KeyPath, roles: dict[tuple[str, ...], PhraseRole]
) -> Iterator[Violation]:
    for role, phrases in lists.items():
        for phrase in phrases:
            units = phrase_units(phrase)
            other = roles.setdefault(units, role)
            if not units:
                problem = f"“{phrase}” has no letters or digits"
                yield Violation((*where, role.value), problem, "use letters or digits")
            elif other is not role:
                problem = f"“{phrase}” is also listed under {other.value}"
                yield Violation((*where, role.value), problem, "keep it in one of the two lists")


def _province_count(book: RuleBook) -> Iterator[Violation]:
    problem = f"the hotline can offer at most {_MAX_PROVINCES} provinces"
    fix = "run a second service for the other provinces"
    for code in list(book.provinces)[_MAX_PROVINCES:]:
        yield Violation(("provinces", code), problem, fix)


def _words(book: RuleBook, province: Province) -> Iterator[Violation]:
    own = list(_keywords(province.words, ("provinces", province.code, "words")))
    common = list(_common(book))
    yield from _clashes([*common, *own], start=len(common))
    for where, _, keyword in own:
        if normalise(keyword) in _CARRIER_KEYWORDS_NORMALISED:
            problem = f"{keyword} is a word the provider keeps for itself, and may never reach us"
            yield Violation(where, problem, "choose another word")


def _clashes(words: list[Keyword], start: int = 0) -> Iterator[Violation]:
    """Keywords from ``start`` on that are empty or ambiguous once normalised."""
    meaning: dict[str, tuple[Intent, str]] = {}
    for position, (where, intent, keyword) in enumerate(words):
        folded = normalise(keyword)
        other, spelling = meaning.setdefault(folded, (intent, keyword))
        if position < start:
            continue
        if not folded:
            problem = f"“{keyword}” has no letters or digits"
            yield Violation(where, problem, "use letters or digits")
        elif other is not intent:
            same = f" (it reads the same as {spelling})" if spelling != keyword else ""
            problem = f"{keyword} means both “{other}” and “{intent}”{same}"
            yield Violation(where, problem, "change one of the two words")


def _doors(book: RuleBook, province: Province) -> Iterator[Violation]:
    """Each intent needs a channel; one that opens must also cancel (domain notes rule 11)."""
    where = ("provinces", province.code, "doors")
    if len(set(province.doors)) != len(province.doors):
        yield Violation(where, "names a channel twice", "name each channel once")
    texted = {intent for _, intent, _ in _common(book)} | set(province.words)
    missing = [intent for intent in _ACTIONS if intent not in texted]
    if set(province.doors) == {Channel.TEXT}:
        for intent in missing:
            problem = f"customers have no way to {_ACTIONS[intent]}"
            yield Violation(where, problem, f"add a word for “{intent}” or a channel")
    elif Channel.TEXT in province.doors and Intent.CANCEL in missing:
        yield Violation(
            where, "customers can subscribe by text but not cancel", "add a word for “cancel”"
        )


def _web_password(province: Province) -> Iterator[Violation]:
    if province.web_password and Channel.WEB not in province.doors:
        where = ("provinces", province.code, "web_password")
        problem = "a password signs in to an online hall that this province does not have"
        yield Violation(where, problem, "add the channel web, or remove web_password")


def _tariffs(book: RuleBook, province: Province) -> Iterator[Violation]:
    where = ("provinces", province.code, "tariffs")
    for index, (earlier, later) in enumerate(pairwise(province.tariffs), start=1):
        if later.since <= earlier.since:
            problem = f"{later.since} is not after {earlier.since}, the day of the tariff before"
            fix = "put tariffs in the order of their days, each day once"
            yield Violation((*where, index, "from"), problem, fix)
    cap = book.limits_in(province.code).monthly_cap_fen
    for index, tariff in enumerate(province.tariffs):
        if tariff.monthly_fen > cap:
            problem = f"{tariff.monthly_fen} fen is over the cap of {cap}"
            fix = "lower the fee, or raise limits.monthly_cap_fen"
            yield Violation((*where, index, "monthly_fen"), problem, fix)


def _versions(book: RuleBook) -> Iterator[Violation]:
    """Tariff versions are unique, because a charge names its tariff by version alone."""
    seen: set[str] = set()
    for code, province in book.provinces.items():
        for index, tariff in enumerate(province.tariffs):
            if tariff.version in seen:
                where = ("provinces", code, "tariffs", index, "version")
                problem = f"{tariff.version} is used twice"
                yield Violation(where, problem, "give it its own name")
            seen.add(tariff.version)


def _sending(book: RuleBook) -> Iterator[Violation]:
    delays, probes = book.sending.delays_seconds, book.sending.probe_after_seconds
    where = ("sending", "delays_seconds")
    if list(delays) != sorted(delays):
        yield Violation(where, "must not decrease", "put the delays in ascending order")
    if list(probes) != sorted(probes):
        path = ("sending", "probe_after_seconds")
        yield Violation(path, "must not decrease", "put the waits in ascending order")
    if sum(delays) >= book.sending.expire_after_hours * 3600:
        yield Violation(where, "add up to more than expire_after_hours", "shorten the delays")


def _promotions(book: RuleBook) -> Iterator[Violation]:
    """A promotion needs days to run, known provinces, and keywords for opt-in and opt-out."""
    texted = {intent for _, intent, _ in _common(book)}
    names: set[str] = set()
    for index, message in enumerate(book.messages):
        where = ("messages", index)
        if message.name in names:
            problem = f"{message.name} is used twice"
            yield Violation((*where, "name"), problem, "give it its own name")
        names.add(message.name)
        if message.until < message.since:
            problem = f"{message.until} is before {message.since}, its first day"
            fix = "write a last day that is not before the first"
            yield Violation((*where, "until"), problem, fix)
        for code in message.provinces:
            if code not in book.provinces:
                problem = f"{code} is not a province of this book"
                yield Violation((*where, "provinces"), problem, "use the codes of [provinces.…]")
        intent = _OPT_IN.get(message.kind)
        if intent is None:
            problem = f"a message of the kind {message.kind} has no customers to read it"
            yield Violation((*where, "kind"), problem, "use " + ", ".join(_OPT_IN))
        elif not {intent, Intent.NO_MESSAGES} <= texted:
            problem = f"customers have no word to ask for {message.kind} or to stop it"
            fix = f"add words for {intent} and {Intent.NO_MESSAGES} to [words.code]"
            yield Violation((*where, "kind"), problem, fix)
