"""The SDK's requests go to each product's host at Twilio, and to one address elsewhere."""

import pytest
import responses
from twilio.rest import Client

from receipts.providers.twilio_http import SdkHttpClient

SID = "AC" + "0" * 32
SERVICES, BALANCE = "/v1/Services/MG1", f"/2010-04-01/Accounts/{SID}/Balance.json"


@pytest.mark.parametrize(
    ("base", "messaging", "api"),
    [
        ("https://api.twilio.com", "https://messaging.twilio.com", "https://api.twilio.com"),
        (
            "https://api.sydney.au1.twilio.com",
            "https://messaging.sydney.au1.twilio.com",
            "https://api.sydney.au1.twilio.com",
        ),
        ("https://twilio.example.org", "https://twilio.example.org", "https://twilio.example.org"),
        ("http://127.0.0.1:7501", "http://127.0.0.1:7501", "http://127.0.0.1:7501"),
        ("https://api.nottwilio.com", "https://api.nottwilio.com", "https://api.nottwilio.com"),
    ],
)
def test_each_product_has_its_host(base: str, messaging: str, api: str):
    client = Client(SID, "token", http_client=SdkHttpClient(base, 1))
    with responses.RequestsMock() as mock:
        mock.get(messaging + SERVICES, json={"sid": "MG1"})
        mock.get(api + BALANCE, json={"balance": "1"})
        assert client.messaging.v1.services("MG1").fetch().sid == "MG1"
        assert client.balance.fetch().balance == "1"
