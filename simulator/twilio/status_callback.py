"""Form fields of Twilio's message status callback."""

from time import gmtime, strftime

from simulator.network.numbering import e164
from simulator.network.scenarios import StatusReport


def status_fields(
    account_sid: str, sender: str, recipient: str, message_sid: str, report: StatusReport
) -> dict[str, str]:
    """Return the fields of a callback that is sent now."""
    fields = {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "From": e164(sender),
        "To": e164(recipient),
        "MessageSid": message_sid,
        "SmsSid": message_sid,
        "MessageStatus": report.status,
        "SmsStatus": report.status,
    }
    if report.error_code:
        fields["ErrorCode"] = report.error_code
    if report.status in {"delivered", "undelivered"}:
        # Twilio does not state the zone of this field; carriers send UTC or local time.
        fields["RawDlrDoneDate"] = strftime("%y%m%d%H%M", gmtime())
    return fields
