"""Text of a reply: the messages of a decision, rendered as one SMS."""

from receipts.model.vocabulary import Language
from receipts.ports.changes import Reply
from receipts.wording.catalogue import Catalogue

_SENTENCE_SEPARATOR = {Language.ZH: "", Language.EN: " "}
_LIST_SEPARATOR = {Language.ZH: "；", Language.EN: "; "}


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
        language, render = Language(reply.language), self._catalogue.render_text
        lines = [
            self._receipt(language, params)
            for key, params in reply.messages
            if key == "receipt_line"
        ]
        receipts = {"list": _LIST_SEPARATOR[language].join(lines)}
        sentences = [
            render(key, language, **(self._params(params, language) | receipts))
            for key, params in reply.messages
            if key != "receipt_line"
        ]
        return _SENTENCE_SEPARATOR[language].join(sentences)

    def _receipt(self, language: Language, params: dict[str, str]) -> str:
        outcome = self._catalogue.render(f"outcome.{params['outcome']}", language)
        return self._catalogue.render("receipt_line", language, **(params | {"outcome": outcome}))

    def _params(self, params: dict[str, str], language: Language) -> dict[str, str]:
        words = params.get("words")
        if words is None:
            return params | {"short_code": self._short_code}
        # A catalogue strips the spaces around its texts.
        space = _SENTENCE_SEPARATOR[language]
        separator = f"{space}{self._catalogue.render('or', language)}{space}"
        return params | {"words": separator.join(words.split("|"))}
