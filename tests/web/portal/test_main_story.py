"""Login, opening and cancellation in a browser."""

import pytest

from app.bootstrap import Container
from tests.conftest import GUANGDONG
from tests.support.browser import Browser
from tests.support.fixtures import charges, notices, standing


@pytest.mark.fixed_day
def test_login_opening_and_cancellation(browser: Browser, built: Container):
    seen = browser.signs_in()
    assert (seen.status, seen.state) == (200, "未开通")
    seen = browser.goes("open")
    assert "每月1元" in seen.text
    assert "当月按整月收费" in seen.text
    assert "QXDXHZ" in seen.text
    seen = browser.presses("open")
    assert "请再次确认" in seen.text
    assert standing(built, GUANGDONG).state == "pending"
    assert charges(built, GUANGDONG) == []
    seen = browser.presses("yes")
    assert seen.told == ["短信回执已开通：每月1元，接收方式闪信。"]
    assert seen.state == "使用中"
    assert "下次月功能费 12月1日" in seen.text
    assert standing(built, GUANGDONG).channel == "web"
    assert charges(built, GUANGDONG) == [("monthly", 100)]
    seen = browser.goes("cancel")
    assert "11月30日" in seen.text
    seen = browser.presses("cancel")
    assert seen.told == ["短信回执已取消，可用至11月30日，截至本月的费用照收，之后不再收费。"]
    assert seen.state == "已取消，可用至11月30日"
    opened, cancelled = notices(built, GUANGDONG)
    assert "已开通短信回执，每月1元，取消发QXDXHZ" in opened
    assert "已取消短信回执，可用至11月30日，截至本月的费用照收" in cancelled
