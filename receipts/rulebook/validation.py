"""Proves that a rule book can be lived with: the rules that types alone cannot say."""

from collections.abc import Iterator
from itertools import pairwise

from receipts.model.vocabulary import Channel, Intent, PromotionCategory
from receipts.rulebook.errors import Step, Violation
from receipts.rulebook.normalise import normalise
from receipts.rulebook.schema import Province, RuleBook, WordList

#: Words that Twilio answers itself on long codes and toll-free numbers, and may block a sender
#: for (its help pages on opt-out keywords).
CARRIER_KEYWORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
    | {"START", "YES", "UNSTOP"}
    | {"HELP", "INFO"}
)
#: The languages a hotline can greet in: the two of every sentence, and Cantonese.
GREETINGS = frozenset({"zh", "en", "yue"})

_CARRIER_KEYWORDS_NORMALISED = frozenset(normalise(word) for word in CARRIER_KEYWORDS)
_NEEDED = (Intent.OPEN, Intent.CANCEL, Intent.ASK, Intent.ORDINARY, Intent.FLASH)
_LISTS = ("code", "zh", "en", "kept")
#: Wishes whose words our sentences take from the book, by the list they are taken from where a
#: province has none of its own, or where there is no province.
_QUOTED = {
    "code": (Intent.CANCEL,),
    "zh": (Intent.OPEN, Intent.ASK),
    "en": (Intent.OPEN, Intent.ASK),
}
#: Words that our sentences and our domain name outright, whatever the book.
TAUGHT_KEYWORDS = (
    ("code", Intent.ORDINARY, "PT"),
    ("code", Intent.FLASH, "SX"),
    ("code", Intent.RECEIPTS, "ZJHZ"),
    ("code", Intent.CHINESE, "ZH"),
    ("code", Intent.ENGLISH, "EN"),
    ("code", Intent.HELP, "BZ"),
    ("code", Intent.LIST_ALL, "0000"),
    ("code", Intent.LIST_ALL, "00000"),
    ("code", Intent.NEWS, "XWXX"),
    ("code", Intent.PUBLIC_INTEREST, "GYXX"),
    ("code", Intent.ADVERTISING, "GGXX"),
    ("code", Intent.NO_MESSAGES, "TDXX"),
    ("code", Intent.YES, "Y"),
    ("zh", Intent.YES, "是"),
)
#: The hotline asks for a province with one key.
_MOST_PROVINCES = 9

Spelled = tuple[tuple[Step, ...], Intent, str]


def validate(book: RuleBook) -> Iterator[Violation]:
    """Everything that is wrong with a book whose types are right."""
    yield from _service_words(book)
    yield from _said_by_us(book)
    yield from _sending(book)
    yield from _provinces(book)
    yield from _versions(book)
    yield from _messages(book)
    for province in book.provinces.values():
        yield from _doors(book, province)
        yield from _greeting(province)
        yield from _words(book, province)
        yield from _tariffs(book, province)


def _spelled(words: WordList, where: tuple[Step, ...]) -> Iterator[Spelled]:
    for intent, spellings in words.items():
        for keyword in spellings:
            yield (*where, intent.value), intent, keyword


def _everywhere(book: RuleBook) -> Iterator[Spelled]:
    for name in _LISTS:
        yield from _spelled(getattr(book.words, name), ("words", name))


def _service_words(book: RuleBook) -> Iterator[Violation]:
    yield from _clashes(list(_everywhere(book)))
    for where, _, keyword in _everywhere(book):
        if (normalise(keyword) in _CARRIER_KEYWORDS_NORMALISED) != (where[1] == "kept"):
            yield Violation(
                where,
                f"{keyword} is {'' if where[1] != 'kept' else 'not '}a word the provider keeps",
                "list exactly the provider's own words in [words.kept]",
            )


def _said_by_us(book: RuleBook) -> Iterator[Violation]:
    """What a reply tells customers to text must be understood."""
    for name, intents in _QUOTED.items():
        words: WordList = getattr(book.words, name)
        for intent in intents:
            if intent not in words:
                fix = f'add {intent} = ["..."] to [words.{name}]'
                yield Violation(("words", name, intent.value), f"no word for {intent}", fix)
    meant = {(intent, normalise(keyword)) for _, intent, keyword in _everywhere(book)}
    for name, intent, keyword in TAUGHT_KEYWORDS:
        if (intent, normalise(keyword)) not in meant:
            yield Violation(
                ("words", name, intent.value),
                f"our replies teach {keyword} for {intent}, and it is not understood",
                f'add "{keyword}" to {intent} in [words.{name}]',
            )


def _provinces(book: RuleBook) -> Iterator[Violation]:
    for code in list(book.provinces)[_MOST_PROVINCES:]:
        yield Violation(
            ("provinces", code),
            f"is one more than {_MOST_PROVINCES}: the hotline asks for the province with one key",
            "run the provinces beyond as a service of their own",
        )


def _words(book: RuleBook, province: Province) -> Iterator[Violation]:
    own = list(_spelled(province.words, ("provinces", province.code, "words")))
    yield from _clashes([*_everywhere(book), *own], fresh=len(own))
    for where, _, keyword in own:
        if normalise(keyword) in _CARRIER_KEYWORDS_NORMALISED:
            yield Violation(
                where,
                f"{keyword} is a word the provider keeps for itself, and may never reach us",
                "choose another word",
            )


def _clashes(words: list[Spelled], fresh: int | None = None) -> Iterator[Violation]:
    """Words that mean two things, or nothing, once folded; only the ``fresh`` last are told of."""
    meaning: dict[str, tuple[Intent, str]] = {}
    told_from = 0 if fresh is None else len(words) - fresh
    for position, (where, intent, keyword) in enumerate(words):
        folded = normalise(keyword)
        other, spelling = meaning.setdefault(folded, (intent, keyword))
        if position < told_from:
            continue
        if not folded:
            yield Violation(
                where, f"nothing is left of {keyword!r} when folded", "use letters or digits"
            )
        elif other is not intent:
            text = f"{keyword} clashes with {spelling} for {other.value}: both read as {folded}"
            yield Violation(where, text, "change one of the two words")


def _doors(book: RuleBook, province: Province) -> Iterator[Violation]:
    """Each wish needs a door, and a door that opens must also cancel (domain notes rule 11)."""
    where = ("provinces", province.code, "doors")
    if len(set(province.doors)) != len(province.doors):
        yield Violation(where, "names a door twice", "name each door once")
    texted = {intent for _, intent, _ in _everywhere(book)} | set(province.words)
    silent = [intent for intent in _NEEDED if intent not in texted]
    only_text = set(province.doors) == {Channel.TEXT}
    for intent in silent if only_text else ():
        yield Violation(
            where, f"no door for {intent.value}", f"add a word for {intent.value} or a door"
        )
    if Channel.TEXT in province.doors and not only_text and Intent.CANCEL in silent:
        yield Violation(where, "a text can open but not cancel", "add a word for cancel")


def _greeting(province: Province) -> Iterator[Violation]:
    unknown = [code for code in province.greeting if code not in GREETINGS]
    if unknown:
        where = ("provinces", province.code, "greeting")
        text = f"no greeting in {', '.join(unknown)}"
        yield Violation(where, text, "use " + ", ".join(sorted(GREETINGS)))


def _tariffs(book: RuleBook, province: Province) -> Iterator[Violation]:
    for index, (earlier, later) in enumerate(pairwise(province.tariffs), start=1):
        if later.since <= earlier.since:
            yield Violation(
                ("provinces", province.code, "tariffs", index, "from"),
                f"{later.since} is not after {earlier.since}, the day of the tariff before",
                "put tariffs in the order of their days, each day once",
            )
    for index, tariff in enumerate(province.tariffs):
        cap = book.limits_in(province.code).monthly_cap_fen
        if tariff.monthly_fen > cap:
            yield Violation(
                ("provinces", province.code, "tariffs", index, "monthly_fen"),
                f"{tariff.monthly_fen} fen is over the cap of {cap}",
                "lower the fee, or raise limits.monthly_cap_fen",
            )


def _versions(book: RuleBook) -> Iterator[Violation]:
    """A charge names its tariff by version alone, so no two may share one."""
    owners: dict[str, str] = {}
    for code, province in book.provinces.items():
        for index, tariff in enumerate(province.tariffs):
            owner = owners.setdefault(tariff.version, f"{code} {index}")
            if owner != f"{code} {index}":
                where = ("provinces", code, "tariffs", index, "version")
                yield Violation(
                    where, f"{tariff.version} is used twice", "give it a name of its own"
                )


def _sending(book: RuleBook) -> Iterator[Violation]:
    delays = book.sending.delays_seconds
    where = ("sending", "delays_seconds")
    if any(later < earlier for earlier, later in pairwise(delays)):
        yield Violation(where, "grows shorter", "put the delays in growing order")
    if list(book.sending.probe_after_seconds) != sorted(book.sending.probe_after_seconds):
        probes = ("sending", "probe_after_seconds")
        yield Violation(probes, "grows shorter", "put the waits in growing order")
    if sum(delays) >= book.sending.expire_after_hours * 3600:
        yield Violation(where, "is longer than expire_after_hours", "shorten the delays")


#: The word for each kind of messages, and the one that stops them.
_ASKED_BY = {
    PromotionCategory.NEWS: Intent.NEWS,
    PromotionCategory.PUBLIC_INTEREST: Intent.PUBLIC_INTEREST,
    PromotionCategory.ADVERTISING: Intent.ADVERTISING,
}


def _messages(book: RuleBook) -> Iterator[Violation]:
    """A message needs days to run on, customers to read it, and a word that stops it."""
    texted = {intent for _, intent, _ in _everywhere(book)}
    names: set[str] = set()
    for index, message in enumerate(book.messages):
        where = ("messages", index)
        if message.name in names:
            yield Violation(
                (*where, "name"), f"{message.name} is used twice", "give it its own name"
            )
        names.add(message.name)
        if message.until < message.since:
            text = f"{message.until} is before {message.since}, its first day"
            yield Violation((*where, "until"), text, "give a last day that is not before the first")
        for code in message.provinces:
            if code not in book.provinces:
                text = f"{code} is no province of this book"
                yield Violation((*where, "provinces"), text, "use the codes of [provinces.…]")
        intent = _ASKED_BY.get(message.kind)
        if intent is None:
            yield Violation((*where, "kind"), "is nothing to read", "use " + ", ".join(_ASKED_BY))
        elif not {intent, Intent.NO_MESSAGES} <= texted:
            text = f"nobody can ask for {message.kind} by text, or stop it"
            fix = f"add words for {intent} and {Intent.NO_MESSAGES} to [words.code]"
            yield Violation((*where, "kind"), text, fix)
