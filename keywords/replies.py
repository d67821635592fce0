"""Text of a reply: the messages of a decision, rendered as one SMS."""

from collections.abc import Sequence

from receipts.model.vocabulary import Language
from receipts.ports.changes import Reply
from receipts.wording.catalogue import Catalogue
from receipts.wording.segments import segments
from receipts.wording.separators import FULL_STOP, SEMICOLON, SPACE

#: Digits shown of a shortened number.
_ENDING_DIGITS = 4


class ReplyRenderer:
    """Render replies from the catalogue; caches the last one."""

    def __init__(self, catalogue: Catalogue, short_code: str) -> None:
        self._catalogue, self._short_code = catalogue, short_code
        self._last: tuple[Reply, str] = (Reply(), "")

    def text(self, answer: Reply) -> str:
        """The text of a reply; empty for no reply."""
        if not answer.messages:
            return ""
        # A consented reply is rendered twice: for the consent record and for sending.
        last, text = self._last
        if last is not answer:
            text = self._render(answer)
            self._last = (answer, text)
        return text

    def _render(self, reply: Reply) -> str:
        """All sentences in full, or in the form in which they fit one segment together."""
        full = self._joined(reply)
        if len(reply.messages) == 1 or segments(full) == 1:
            return full
        shorter = (self._joined(reply, form) for form in (".short", ".shortest"))
        return next((text for text in shorter if segments(text) == 1), full)

    def _joined(self, reply: Reply, form: str = "") -> str:
        language = Language(reply.language)
        lines = [params for key, params in reply.messages if key == "receipt_line"]
        sentences = [
            self._catalogue.render_text(
                key + form if key + form in self._catalogue else key,
                language,
                **self._params(params, language),
            )
            for key, params in reply.messages
            if key not in {"receipt_line", "receipts_list"}
        ]
        if lines:
            sentences.insert(0, self._receipts(lines, language, sentences))
        return SPACE[language].join(sentences)

    def _receipts(
        self, lines: Sequence[dict[str, str]], language: Language, rest: Sequence[str]
    ) -> str:
        """As many receipts as fit one segment with the rest: by number, else by clear ending."""
        endings = {line["friend"]: line["friend"][-_ENDING_DIGITS:] for line in lines}
        short = [line | {"friend": endings[line["friend"]]} for line in lines]
        distinct = len(set(endings.values())) == len(endings)
        forms = [("receipts_list", lines)] + [("receipts_endings", short)] * distinct
        end = FULL_STOP[language] if rest else ""
        for shown in range(len(lines), 0, -1):
            for key, form in forms:
                listed = [self._receipt(language, params) for params in form[:shown]]
                receipts = SEMICOLON[language].join(listed)
                text = self._catalogue.render(key, language, list=receipts) + end
                if segments(SPACE[language].join((text, *rest))) == 1:
                    return text
        return text

    def _receipt(self, language: Language, params: dict[str, str]) -> str:
        render = self._catalogue.render
        outcome = render(f"outcome.{params['outcome']}", language)
        if done := params.get("done"):
            outcome = render("outcome_at", language, outcome=outcome, time=done)
        key = "receipt_line" if params.get("sent") else "receipt_line_untimed"
        return render(key, language, **(params | {"outcome": outcome}))

    def _params(self, params: dict[str, str], language: Language) -> dict[str, str]:
        words = params.get("words")
        if words is None:
            return params | {"short_code": self._short_code}
        # A catalogue strips the spaces around its texts.
        space = SPACE[language]
        separator = f"{space}{self._catalogue.render('or', language)}{space}"
        return params | {"words": separator.join(words.split("|"))}
