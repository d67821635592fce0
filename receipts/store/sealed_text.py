"""Secret texts, encrypted at rest: a file that is only appended to never forgets."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from msgspec.structs import replace

from receipts.model.receipt import Receipt


class TextSealer:
    """Seals with the first secret, and opens what was sealed with any of them."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._fernet = MultiFernet([Fernet(_key(secret)) for secret in secrets or ("",)])

    def seal(self, receipt: Receipt) -> Receipt:
        """The receipt as it is stored: a secret text sealed, any other as it is."""
        if not receipt.kind.is_secret or not receipt.text:
            return receipt
        return replace(receipt, text=self._fernet.encrypt(receipt.text.encode()).decode())

    def open(self, receipt: Receipt | None) -> Receipt | None:
        """The receipt with its text; empty where no secret of this process opens it."""
        if receipt is None or not receipt.kind.is_secret or not receipt.text:
            return receipt
        try:
            text = self._fernet.decrypt(receipt.text.encode()).decode()
        except InvalidToken:
            text = ""
        return replace(receipt, text=text)


def _key(secret: str) -> bytes:
    return urlsafe_b64encode(blake2b(secret.encode(), digest_size=32, person=b"passcode").digest())
