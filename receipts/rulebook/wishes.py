"""Matcher of customers' own sentences: phrases of the rule book to a wish, aware of negation."""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from receipts.model.invisible import without_invisible
from receipts.model.vocabulary import Intent
from receipts.rulebook.part_wishes import PARTS, Token, part_intent
from receipts.rulebook.schema import PhraseLists, PhraseRole, RuleBook, WordList
from receipts.rulebook.similarity import is_one_edit
from receipts.rulebook.traditional import SIMPLIFIED

_R = PhraseRole

#: Units that are matched; a longer text is cut. A long text is a story, not an instruction.
_MAX_UNITS, _MAX_LENGTH = 300, 2_000
#: Shorter Latin words are one typing error away from too many others.
_MIN_TYPO = 5

# A space between two Chinese characters ends a clause: 不用 取消.
_UNIT = re.compile(r"[a-z0-9]+|\S|\n|(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
# Characters one by one: 取 消.
_SPACED = re.compile(r"\s*(?:[\u4e00-\u9fff]\s+)+[\u4e00-\u9fff]\W*")
_REPEATED = re.compile(r"([a-z])\1{2,}")
_APOSTROPHES = re.compile(r"['’‘`´]")


class Wish(StrEnum):
    """Meaning of a customer's own sentence."""

    CANCEL = "cancel"
    MAYBE_CANCEL = "maybe_cancel"
    KEEP = "keep"
    OTHER_SERVICE = "other_service"
    NO_EXTRAS = "no_extras"
    CHARGES = "charges"
    AGREE = "agree"
    MAYBE_AGREE = "maybe_agree"
    DECLINE = "decline"
    ORDINARY = "ordinary"
    FLASH = "flash"
    CHINESE = "chinese"
    ENGLISH = "english"


#: Roles of phrases by their units.
_Roles = dict[tuple[str, ...], PhraseRole]


class WishMatcher:
    """Match sentences in all languages of a rule book at once, since customers mix them.

    A wish that ends a subscription needs a sentence of known phrases alone. Any other sentence
    with such a phrase is MAYBE_CANCEL, which asks for one question.
    """

    def __init__(self, book: RuleBook) -> None:
        # Each phrase has one role, also beside those of a province: see validation.
        common = _roles(*book.phrases.values())
        words = _cancel_keywords(book.words.code) | _cancel_keywords(book.words.zh)
        self._phrases: dict[str | None, _Lexicon] = {None: _Lexicon(common, words)}
        for code, province in book.provinces.items():
            own = _cancel_keywords(province.words)
            self._phrases[code] = _Lexicon(common | _roles(province.phrases), words | own)

    def match(self, text: str, province: str | None = None) -> Wish | None:
        """The wish of a sentence; None if it has none that is known."""
        return _judge(self._lexicon(province).tokens(text), asks=is_question(text))

    def asks_how(self, text: str, province: str | None = None) -> bool:
        """Whether a text asks rather than tells."""
        tokens = self._lexicon(province).tokens(text)
        return is_question(text) or any(token.text in _HOW for token in tokens)

    def core(self, text: str, province: str | None = None) -> str:
        """The text without polite phrases, such as a keyword after "please"."""
        tokens = self._lexicon(province).tokens(text)
        return " ".join(token.text for token in tokens if token.role is not _R.POLITE)

    def is_neutral(self, text: str, province: str | None = None) -> bool:
        """Whether a text beside a keyword changes nothing about it, such as a signature."""
        roles = {token.role for token in self._lexicon(province).tokens(text)}
        return roles <= {None, _R.AGREE, *_CALM} and not is_question(text)

    def _lexicon(self, province: str | None) -> "_Lexicon":
        return self._phrases.get(province) or self._phrases[None]


def _roles(*lists: PhraseLists) -> _Roles:
    """The role of each phrase, by its units."""
    return {
        _units(phrase): role
        for each in lists
        for role, phrases in each.items()
        for phrase in phrases
    }


def _cancel_keywords(words: WordList) -> _Roles:
    """Keywords that cancel, as phrases, for sentences around one."""
    return _roles({_R.CANCELLING: words.get(Intent.CANCEL, ())})


class _Lexicon:
    """Phrases by their units, longest first; one look-up for each length at each position."""

    def __init__(self, phrases: _Roles, keywords: _Roles) -> None:
        cancels = (units for units, role in phrases.items() if role is _R.CANCELLING)
        words = [units[0] for units in cancels if len(units) == 1]
        # Phrases alone: a misspelt code word is for the suggestions of the keyword parser.
        self._typos = [each for each in words if each.isascii() and len(each) > _MIN_TYPO]
        self._roles = keywords | phrases
        self._longest = max(map(len, self._roles), default=0)

    def tokens(self, text: str) -> list[Token]:
        """The text as phrases and unknown units; marks only separate clauses."""
        units, tokens, clause, at = phrase_units(text)[:_MAX_UNITS], list[Token](), 0, 0
        while at < len(units):
            for length in range(min(self._longest, len(units) - at), 0, -1):
                found = units[at : at + length]
                if role := self._roles.get(found):
                    tokens.append(Token(role, " ".join(found), clause))
                    break
            else:
                length, unit = 1, units[at]
                clause += not unit.isalnum()
                if unit.isalnum():
                    tokens.append(Token(self._typo(unit), unit, clause))
            at += length
        return tokens

    def _typo(self, unit: str) -> PhraseRole | None:
        """LEAVE for a misspelt word such as "cancle" or "stoppp": worth a question, not sure."""
        if not unit.isascii():
            return None
        drawn_out = self._roles.get((_REPEATED.sub(r"\1", unit),)) is _R.CANCELLING
        long = len(unit) >= _MIN_TYPO and any(is_one_edit(unit, each) for each in self._typos)
        return _R.LEAVE if drawn_out or long else None


def phrase_units(text: str) -> tuple[str, ...]:
    """Words of Latin letters and digits, single characters of other scripts, and marks."""
    visible = without_invisible(text[:_MAX_LENGTH])
    folded = without_invisible(unicodedata.normalize("NFKC", visible)).casefold()
    plain = _APOSTROPHES.sub("", folded).translate(SIMPLIFIED)
    return tuple(_UNIT.findall("".join(plain.split()) if _SPACED.fullmatch(plain) else plain))


#: Phrases of rule books alone, which each reload brings again; never texts of customers.
_units = lru_cache(maxsize=8192)(phrase_units)


def is_question(text: str) -> bool:
    """Whether a text has a question mark."""
    return "?" in text or "？" in text


#: Words that ask how a thing is done.
_HOW = frozenset({"怎 么", "怎 样", "如 何", "咋", "how", "how do i", "how to", "how can i"})

#: Roles beside which a sentence is certain.
_CALM = {_R.POLITE, _R.SERVICE, _R.GENERIC}
_WHOLE: Mapping[Wish, tuple[PhraseRole, set[PhraseRole]]] = {
    Wish.CANCEL: (_R.CANCELLING, {_R.CANCELLING, _R.AGREE, *_CALM}),
    Wish.AGREE: (_R.AGREE, {_R.AGREE, _R.POLITE}),
    Wish.DECLINE: (_R.DECLINE, {_R.DECLINE, _R.NEGATION, _R.POLITE}),
}
#: Negations of a will, rather than of a fact (没), and the units of such a clause.
_NO_LONGER, _MAX_NO_LONGER = frozenset("不别甭勿唔"), 4
_NEGATORS = {_R.REFUSAL, _R.NEGATION}
#: Roles of objects whose refusal is a sign of leaving.
_REFUSABLE = {_R.SERVICE, _R.GENERIC, _R.MESSAGES, _R.CHARGES}


def _judge(tokens: list[Token], *, asks: bool) -> Wish | None:
    """The first wish that fits, from the most specific to the least."""
    if part := part_intent(tokens):
        return Wish(part.value)
    roles = {token.role for token in tokens}
    leaves = bool(roles & {_R.CANCELLING, _R.LEAVE}) or _leaves_weakly(tokens, roles)
    refuses = leaves or bool(roles & _NEGATORS)
    elsewhere = _R.OTHER in roles and _R.SERVICE not in roles
    no_extras = _R.EXTRAS in roles and refuses and not roles & {_R.SERVICE, _R.DOUBT, None}
    agrees = _begins_with_agree(tokens) and not refuses and _R.DECLINE not in roles
    wishes = {
        Wish.NO_EXTRAS: no_extras and not asks,
        Wish.OTHER_SERVICE: elsewhere and leaves,
        Wish.KEEP: not asks and _keeps(tokens, roles),
        Wish.CANCEL: not asks and _is_whole(roles, Wish.CANCEL) and _agrees_first(tokens),
        Wish.AGREE: not asks and _is_whole(roles, Wish.AGREE),
        Wish.DECLINE: _is_whole(roles, Wish.DECLINE) or _is_denial(roles),
        Wish.MAYBE_CANCEL: not elsewhere
        and (leaves or _refuses_service(roles) or _ends_with_refusal(tokens) or _no_longer(tokens)),
        Wish.CHARGES: not elsewhere and _R.CHARGES in roles,
        Wish.MAYBE_AGREE: agrees,
    }
    return next((wish for wish, fits in wishes.items() if fits), None)


def _is_whole(roles: set[PhraseRole | None], wish: Wish) -> bool:
    """Whether a sentence has only phrases of the roles that make the wish certain."""
    needed, allowed = _WHOLE[wish]
    return needed in roles and roles <= allowed


def _agrees_first(tokens: list[Token]) -> bool:
    """Whether each yes is one: before the cancel, and no 是 ("is") within the clause."""
    cancel = next(at for at, token in enumerate(tokens) if token.role is _R.CANCELLING)
    return all(
        at < cancel and (len(token.text) > 1 or token.clause != tokens[at + 1].clause)
        for at, token in enumerate(tokens)
        if token.role is _R.AGREE
    )


def _begins_with_agree(tokens: list[Token]) -> bool:
    """Whether a yes comes first; one Chinese character may be part of a word, such as 开通."""
    spoken = [token for token in tokens if token.role is not _R.POLITE]
    if not spoken or spoken[0].role is not _R.AGREE:
        return False
    first, after = spoken[0], spoken[1] if len(spoken) > 1 else None
    part_of_word = after is not None and after.role is None and after.clause == first.clause
    return len(first.text) > 1 or first.text.isascii() or not part_of_word


def _leaves_weakly(tokens: list[Token], roles: set[PhraseRole | None]) -> bool:
    """Whether a verb such as "end" or 关 has a clause alone, or the service in its sentence."""
    if roles & (_REFUSABLE - {_R.MESSAGES}):
        return _R.WEAK in roles
    clauses: dict[int, set[PhraseRole | None]] = {}
    for token in tokens:
        clauses.setdefault(token.clause, set()).add(token.role)
    alone = {_R.WEAK, *_NEGATORS, _R.DOUBT, _R.POLITE}
    return any(_R.WEAK in clause and clause <= alone for clause in clauses.values())


def _is_denial(roles: set[PhraseRole | None]) -> bool:
    """Whether a sentence is a negation alone."""
    return _R.NEGATION in roles and roles <= {_R.NEGATION, _R.POLITE}


def _refuses_service(roles: set[PhraseRole | None]) -> bool:
    """Whether a refusal concerns the service, its messages or its charges."""
    return _R.REFUSAL in roles and bool(roles & _REFUSABLE)


def _ends_with_refusal(tokens: list[Token]) -> bool:
    """Whether a clause ends with a refusal, such as 全都不要."""
    spoken = (token for token in tokens if token.role is not _R.POLITE)
    last_of_clauses = {token.clause: token for token in spoken}
    return any(token.role is _R.REFUSAL for token in last_of_clauses.values())


def _no_longer(tokens: list[Token]) -> bool:
    """Whether a short clause says "no longer" (不…了), such as 不玩了."""
    for clause in {token.clause for token in tokens}:
        said = [each for each in tokens if each.clause == clause and each.role is not _R.POLITE]
        negated = said and said[0].role in _NEGATORS and said[0].text[0] in _NO_LONGER
        if negated and said[-1].text[-1] == "了" and len(said) <= _MAX_NO_LONGER:
            return True
    return False


def _keeps(tokens: list[Token], roles: set[PhraseRole | None]) -> bool:
    """Whether a sentence of known phrases alone negates each of its cancels ("don't cancel")."""
    if _R.CANCELLING not in roles or not roles <= {_R.CANCELLING, *_NEGATORS, *_CALM, *PARTS}:
        return False
    negated_clause = -1
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.role in _NEGATORS:
            negated_clause = token.clause
        elif token.role is _R.CANCELLING:
            if negated_clause != token.clause:
                return False
        elif (
            token.role is not _R.POLITE and before is not None and before.role is not _R.CANCELLING
        ):
            # "I don't want it, cancel": an object ends the reach of the negation,
            # except the object of a construction such as 把.
            negated_clause = negated_clause if before.text in {"把", "将"} else -1
    return True
