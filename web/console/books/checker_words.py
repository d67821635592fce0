"""The rule book checker's problems and fixes in the reader's language."""

import re
import string
from collections.abc import Iterator

from receipts.model.vocabulary import Language
from receipts.wording.catalogue import Catalogue

_PREFIX = "checker."


class CheckerWords:
    """Finds the sentence of the catalogue that an English one was made from."""

    def __init__(self, catalogue: Catalogue) -> None:
        keys = [key for key in catalogue if key.startswith(_PREFIX)]
        english = {key: catalogue.template(key, Language.EN) for key in keys}
        # The sentence with the most letters of its own first: "use {values}" fits many.
        keys.sort(key=lambda key: -len(re.sub(r"\{\w+\}", "", english[key])))
        self._patterns = [
            (re.compile("".join(_pattern(english[key])), re.DOTALL), catalogue.template(key, "zh"))
            for key in keys
        ]

    def chinese(self, sentence: str) -> str:
        """The sentence in Chinese, as it is without one."""
        for pattern, template in self._patterns:
            if found := pattern.fullmatch(sentence):
                return template.format_map(found.groupdict())
        return sentence


def _pattern(template: str) -> Iterator[str]:
    for text, name, _, _ in string.Formatter().parse(template):
        yield re.escape(text)
        if name:
            yield f"(?P<{name}>.+?)"
