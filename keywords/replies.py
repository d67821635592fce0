"""An answer as the one text it goes out as."""

from receipts.model.vocabulary import Language
from receipts.ports.changes import Reply
from receipts.wording.catalogue import Catalogue

#: Between sentences, and between the lines of a list.
_BETWEEN = {Language.ZH: "", Language.EN: " "}
_LISTED = {Language.ZH: "；", Language.EN: "; "}


class ReplyRenderer:
    """Puts answers into words."""

    def __init__(self, sentences: Catalogue, short_code: str) -> None:
        self._sentences, self._short_code = sentences, short_code
        self._last: tuple[Reply, str] = (Reply(), "")

    def text(self, answer: Reply) -> str:
        """The reply, empty where silence is right."""
        if not answer.messages:
            return ""
        # What changed something is put into words twice: for the log of consent, and to be sent.
        last, said = self._last
        if last is not answer:
            said = self._worded(answer)
            self._last = (answer, said)
        return said

    def _worded(self, answer: Reply) -> str:
        language = Language(answer.language)
        lines = [
            self._line(language, params) for key, params in answer.messages if key == "receipt_line"
        ]
        listed = {"list": _LISTED[language].join(lines)}
        text = [
            self._sentences.render(key, language, **(self._spelt(params, language) | listed))
            for key, params in answer.messages
            if key != "receipt_line"
        ]
        return _BETWEEN[language].join(text)

    def _line(self, language: Language, params: dict[str, str]) -> str:
        outcome = self._sentences.render(f"outcome.{params['outcome']}", language)
        return self._sentences.render("receipt_line", language, **(params | {"outcome": outcome}))

    def _spelt(self, params: dict[str, str], language: Language) -> dict[str, str]:
        words = params.get("words")
        if words is None:
            return params | {"short_code": self._short_code}
        return params | {"words": self._sentences.render("or", language).join(words.split("|"))}
