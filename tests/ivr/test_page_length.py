"""No page takes longer than 15 seconds, in any state, province and language."""

import pytest

from app.bootstrap import Container
from receipts.model.vocabulary import DisplayMode, Language
from tests.conftest import GUANGDONG, JILIN, UNKNOWN, ZHEJIANG, Network
from tests.ivr.conftest import NetworkWith
from tests.ivr.spoken_length import seconds
from tests.support.caller import Call
from tests.support.fixtures import FUJIAN, GUANGXI, HEBEI, SHAANXI, SHANXI, stand, standing

LONGEST_SECONDS = 15

NUMBERS = (GUANGDONG, JILIN, GUANGXI, SHANXI, HEBEI, ZHEJIANG, FUJIAN, SHAANXI)

#: Keys to each page, by subscription state.
PAGES = {
    "none": ("", "1"),
    "pending": ("", "1", "2"),
    "active": ("", "2", "5"),
    "ending": ("", "1", "5"),
    "suspended": ("", "2", "5"),
}


@pytest.fixture(params=["", "+862010086"], ids=["no agent", "agent"])
def line(request: pytest.FixtureRequest, network_with: NetworkWith) -> Network:
    return network_with(agent_number=request.param)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("mode", DisplayMode)
def test_no_page_is_longer_than_fifteen_seconds(
    line: Network, built: Container, language: Language, mode: DisplayMode
):
    for number in NUMBERS:
        for state, pages in PAGES.items():
            if state == "pending":
                stand(built, number, "none", language=language)
                line.text(number, "开通短信回执")
            else:
                stand(built, number, state, mode, language=language)
            for keys in pages:
                call = Call(line, number, f"CA{number}{state}{keys}")
                call.dials()
                if call.last.over:  # no hotline in this province
                    continue
                call.presses(keys)
                if keys and call.last.place["at"] == "menu":  # a refusal and the menu again
                    continue
                length = sum(seconds(text) for _, text in call.last.says)
                assert length <= LONGEST_SECONDS, (state, keys, call.last.says)


def test_pages_before_the_menu_are_as_short(line: Network, built: Container):
    call = Call(line, UNKNOWN)
    for keys in ("", "1", "9"):
        page = call.presses(keys) if keys else call.dials()
        said = [text for _, text in page.says if "今后" not in text and "From now" not in text]
        assert sum(map(seconds, said)) <= LONGEST_SECONDS, said
    assert standing(built, UNKNOWN).language is Language.EN
