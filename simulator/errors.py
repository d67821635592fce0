"""Errors of handset actions, each with the HTTP status of its answer."""


class HandsetError(Exception):
    """An action that a phone cannot do now; the message is shown on the page."""

    status = 409


class PhoneNotFoundError(HandsetError):
    """No phone has this number."""

    status = 404
