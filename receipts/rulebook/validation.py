"""Proves that a rule book can be lived with: the rules that types alone cannot say."""

from collections.abc import Iterator
from itertools import pairwise

from receipts.model.vocabulary import Door, Informing, Wish
from receipts.rulebook.errors import Fault, Step
from receipts.rulebook.normalise import fold
from receipts.rulebook.schema import Province, RuleBook, WordList

#: Words that Twilio answers itself on long codes and toll-free numbers, and may block a sender
#: for (its help pages on opt-out keywords).
KEPT = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
    | {"START", "YES", "UNSTOP"}
    | {"HELP", "INFO"}
)
#: The languages a hotline can greet in: the two of every sentence, and Cantonese.
GREETINGS = frozenset({"zh", "en", "yue"})

_KEPT_FOLDED = frozenset(fold(word) for word in KEPT)
_NEEDED = (Wish.OPEN, Wish.CANCEL, Wish.ASK, Wish.ORDINARY, Wish.FLASH)
_LISTS = ("code", "zh", "en", "kept")
#: Wishes whose words our sentences take from the book, by the list they are taken from where a
#: province has none of its own, or where there is no province.
_QUOTED = {
    "code": (Wish.CANCEL,),
    "zh": (Wish.OPEN, Wish.ASK),
    "en": (Wish.OPEN, Wish.ASK),
}
#: Words that our sentences and our domain name outright, whatever the book.
TAUGHT = (
    ("code", Wish.ORDINARY, "PT"),
    ("code", Wish.FLASH, "SX"),
    ("code", Wish.RECEIPTS, "ZJHZ"),
    ("code", Wish.CHINESE, "ZH"),
    ("code", Wish.ENGLISH, "EN"),
    ("code", Wish.HELP, "BZ"),
    ("code", Wish.LIST_ALL, "0000"),
    ("code", Wish.LIST_ALL, "00000"),
    ("code", Wish.NEWS, "XWXX"),
    ("code", Wish.PUBLIC_INTEREST, "GYXX"),
    ("code", Wish.ADVERTISING, "GGXX"),
    ("code", Wish.NO_MESSAGES, "TDXX"),
    ("code", Wish.YES, "Y"),
    ("zh", Wish.YES, "是"),
)
#: The hotline asks for a province with one key.
_MOST_PROVINCES = 9

Spelled = tuple[tuple[Step, ...], Wish, str]


def faults_of(book: RuleBook) -> Iterator[Fault]:
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
    for wish, spellings in words.items():
        for word in spellings:
            yield (*where, wish.value), wish, word


def _everywhere(book: RuleBook) -> Iterator[Spelled]:
    for name in _LISTS:
        yield from _spelled(getattr(book.words, name), ("words", name))


def _service_words(book: RuleBook) -> Iterator[Fault]:
    yield from _clashes(list(_everywhere(book)))
    for where, _, word in _everywhere(book):
        if (fold(word) in _KEPT_FOLDED) != (where[1] == "kept"):
            yield Fault(
                where,
                f"{word} is {'' if where[1] != 'kept' else 'not '}a word the provider keeps",
                "list exactly the provider's own words in [words.kept]",
            )


def _said_by_us(book: RuleBook) -> Iterator[Fault]:
    """What a reply tells customers to text must be understood."""
    for name, wishes in _QUOTED.items():
        words: WordList = getattr(book.words, name)
        for wish in wishes:
            if wish not in words:
                fix = f'add {wish} = ["..."] to [words.{name}]'
                yield Fault(("words", name, wish.value), f"no word for {wish}", fix)
    meant = {(wish, fold(word)) for _, wish, word in _everywhere(book)}
    for name, wish, word in TAUGHT:
        if (wish, fold(word)) not in meant:
            yield Fault(
                ("words", name, wish.value),
                f"our replies teach {word} for {wish}, and it is not understood",
                f'add "{word}" to {wish} in [words.{name}]',
            )


def _provinces(book: RuleBook) -> Iterator[Fault]:
    for code in list(book.provinces)[_MOST_PROVINCES:]:
        yield Fault(
            ("provinces", code),
            f"is one more than {_MOST_PROVINCES}: the hotline asks for the province with one key",
            "run the provinces beyond as a service of their own",
        )


def _words(book: RuleBook, province: Province) -> Iterator[Fault]:
    own = list(_spelled(province.words, ("provinces", province.code, "words")))
    yield from _clashes([*_everywhere(book), *own], fresh=len(own))
    for where, _, word in own:
        if fold(word) in _KEPT_FOLDED:
            yield Fault(
                where,
                f"{word} is a word the provider keeps for itself, and may never reach us",
                "choose another word",
            )


def _clashes(words: list[Spelled], fresh: int | None = None) -> Iterator[Fault]:
    """Words that mean two things, or nothing, once folded; only the ``fresh`` last are told of."""
    meaning: dict[str, tuple[Wish, str]] = {}
    told_from = 0 if fresh is None else len(words) - fresh
    for position, (where, wish, word) in enumerate(words):
        folded = fold(word)
        other, spelling = meaning.setdefault(folded, (wish, word))
        if position < told_from:
            continue
        if not folded:
            yield Fault(where, f"nothing is left of {word!r} when folded", "use letters or digits")
        elif other is not wish:
            said = f"{word} clashes with {spelling} for {other.value}: both read as {folded}"
            yield Fault(where, said, "change one of the two words")


def _doors(book: RuleBook, province: Province) -> Iterator[Fault]:
    """Each wish needs a door, and a door that opens must also cancel (domain notes rule 11)."""
    where = ("provinces", province.code, "doors")
    if len(set(province.doors)) != len(province.doors):
        yield Fault(where, "names a door twice", "name each door once")
    texted = {wish for _, wish, _ in _everywhere(book)} | set(province.words)
    silent = [wish for wish in _NEEDED if wish not in texted]
    only_text = set(province.doors) == {Door.TEXT}
    for wish in silent if only_text else ():
        yield Fault(where, f"no door for {wish.value}", f"add a word for {wish.value} or a door")
    if Door.TEXT in province.doors and not only_text and Wish.CANCEL in silent:
        yield Fault(where, "a text can open but not cancel", "add a word for cancel")


def _greeting(province: Province) -> Iterator[Fault]:
    unknown = [code for code in province.greeting if code not in GREETINGS]
    if unknown:
        where = ("provinces", province.code, "greeting")
        said = f"no greeting in {', '.join(unknown)}"
        yield Fault(where, said, "use " + ", ".join(sorted(GREETINGS)))


def _tariffs(book: RuleBook, province: Province) -> Iterator[Fault]:
    for index, (earlier, later) in enumerate(pairwise(province.tariffs), start=1):
        if later.since <= earlier.since:
            yield Fault(
                ("provinces", province.code, "tariffs", index, "from"),
                f"{later.since} is not after {earlier.since}, the day of the tariff before",
                "put tariffs in the order of their days, each day once",
            )
    for index, tariff in enumerate(province.tariffs):
        cap = book.limits_in(province.code).monthly_cap_fen
        if tariff.monthly_fen > cap:
            yield Fault(
                ("provinces", province.code, "tariffs", index, "monthly_fen"),
                f"{tariff.monthly_fen} fen is over the cap of {cap}",
                "lower the fee, or raise limits.monthly_cap_fen",
            )


def _versions(book: RuleBook) -> Iterator[Fault]:
    """A charge names its tariff by version alone, so no two may share one."""
    owners: dict[str, str] = {}
    for code, province in book.provinces.items():
        for index, tariff in enumerate(province.tariffs):
            owner = owners.setdefault(tariff.version, f"{code} {index}")
            if owner != f"{code} {index}":
                where = ("provinces", code, "tariffs", index, "version")
                yield Fault(where, f"{tariff.version} is used twice", "give it a name of its own")


def _sending(book: RuleBook) -> Iterator[Fault]:
    delays = book.sending.delays_seconds
    where = ("sending", "delays_seconds")
    if any(later < earlier for earlier, later in pairwise(delays)):
        yield Fault(where, "grows shorter", "put the delays in growing order")
    if list(book.sending.probe_after_seconds) != sorted(book.sending.probe_after_seconds):
        probes = ("sending", "probe_after_seconds")
        yield Fault(probes, "grows shorter", "put the waits in growing order")
    if sum(delays) >= book.sending.expire_after_hours * 3600:
        yield Fault(where, "is longer than expire_after_hours", "shorten the delays")


#: The word for each kind of messages, and the one that stops them.
_ASKED_BY = {
    Informing.NEWS: Wish.NEWS,
    Informing.PUBLIC_INTEREST: Wish.PUBLIC_INTEREST,
    Informing.ADVERTISING: Wish.ADVERTISING,
}


def _messages(book: RuleBook) -> Iterator[Fault]:
    """A message needs days to run on, customers to read it, and a word that stops it."""
    texted = {wish for _, wish, _ in _everywhere(book)}
    names: set[str] = set()
    for index, message in enumerate(book.messages):
        where = ("messages", index)
        if message.name in names:
            yield Fault((*where, "name"), f"{message.name} is used twice", "give it its own name")
        names.add(message.name)
        if message.until < message.since:
            said = f"{message.until} is before {message.since}, its first day"
            yield Fault((*where, "until"), said, "give a last day that is not before the first")
        for code in message.provinces:
            if code not in book.provinces:
                said = f"{code} is no province of this book"
                yield Fault((*where, "provinces"), said, "use the codes of [provinces.…]")
        wish = _ASKED_BY.get(message.kind)
        if wish is None:
            yield Fault((*where, "kind"), "is nothing to read", "use " + ", ".join(_ASKED_BY))
        elif not {wish, Wish.NO_MESSAGES} <= texted:
            said = f"nobody can ask for {message.kind} by text, or stop it"
            fix = f"add words for {wish} and {Wish.NO_MESSAGES} to [words.code]"
            yield Fault((*where, "kind"), said, fix)
