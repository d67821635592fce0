"""Errors of handset actions, each with the HTTP status of its answer."""


class HandsetError(Exception):
    """An action that a phone cannot do now; the page shows the reason in its language."""

    status = 409

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh


class PhoneNotFoundError(HandsetError):
    """No phone has this number."""

    status = 404


class HandsetInputError(HandsetError):
    """A number that cannot be used."""

    status = 400
