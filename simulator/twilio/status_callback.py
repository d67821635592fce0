"""Form fields of Twilio's message status callback."""

from time import gmtime, strftime, time

from simulator.network.numbering import e164


def status_fields(
    account_sid: str,
    sender: str,
    recipient: str,
    message_sid: str,
    status: str,
    error_code: str = "",
    delay_seconds: float = 0,
) -> dict[str, str]:
    """Return the fields of a callback that is sent after the delay."""
    fields = {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "From": e164(sender),
        "To": e164(recipient),
        "MessageSid": message_sid,
        "SmsSid": message_sid,
        "MessageStatus": status,
        "SmsStatus": status,
    }
    if error_code:
        fields["ErrorCode"] = error_code
    if status in {"delivered", "undelivered"}:
        # Twilio does not state the zone of this field; carriers send UTC or local time.
        fields["RawDlrDoneDate"] = strftime("%y%m%d%H%M", gmtime(time() + delay_seconds))
    return fields
