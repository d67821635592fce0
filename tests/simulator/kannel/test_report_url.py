import pytest

from simulator.kannel.report_url import fill_report_url
from simulator.network.messages import Message


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("/r?to=%P&from=%p", "/r?to=%2B861&from=7500"),
        ("/r?text=%b&first=%k", "/r?text=a%20b&first=a"),
        ("/r?byte=%C3%A9&kept=%z", "/r?byte=%C3%A9&kept=%z"),
        ("/r?percent=%%&type=%d", "/r?percent=%25&type=1"),
    ],
)
def test_known_codes_are_filled_in_and_others_kept(template: str, url: str):
    message = Message(
        sid="1", api="kannel", to="+861", sender="7500", body="a b", created=0, updated=0,
        callback=template,
    )  # fmt: skip
    assert fill_report_url(message, 1) == url


@pytest.mark.parametrize(("code", "error"), [("30003", "027"), ("30005", "001"), ("30008", "000")])
def test_report_of_a_failure_has_the_error_of_its_scenario(code: str, error: str):
    message = Message(
        sid="1", api="kannel", to="+861", sender="7500", body="a", created=0, updated=0,
        callback="/r?answer=%A", error_code=code,
    )  # fmt: skip
    assert f"stat%3AUNDELIV%20err%3A{error}" in fill_report_url(message, 2)
