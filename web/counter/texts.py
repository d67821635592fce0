"""Texts of the counter: its own, else those of the portal, so that both use the same words."""

from dataclasses import dataclass

from receipts.model.vocabulary import Language
from receipts.subscriptions.decision import Message
from receipts.wording.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class CounterTexts:
    """Two catalogues; a key of the first one hides that of the second."""

    own: Catalogue
    portal: Catalogue

    def render(self, key: str, language: str, /, **params: object) -> str:
        """A text with its parameters filled in. Raises: KeyError."""
        catalogue = self.own if key in self.own else self.portal
        return catalogue.render(key, language, **params)

    def said(self, message: Message, language: Language) -> str:
        """A message to the customer."""
        key, params = message
        return self.render(f"said.{key}", language, **params)
