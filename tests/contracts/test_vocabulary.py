"""One word for one thing in every sentence to customers, on every channel."""

import re
from pathlib import Path

import pytest

import ivr
import keywords
import web.portal
from receipts.wording import notice_text
from receipts.wording.catalogue import Catalogue

WORDING = Path(notice_text.__file__).parent
FILES = (
    Path(ivr.__file__).parent / "prompts.toml",
    Path(keywords.__file__).parent / "replies.toml",
    Path(web.portal.__file__).parent / "texts.toml",
    WORDING / "notices.toml",
    WORDING / "receipts.toml",
)

#: Words of no sentence, by what stands for them: subscribe, on; request; regular text; paused;
#: store, Online Services; extras; 已取消; 申请; 指令.
AVOIDED = {
    "en": r"\b(to open|is open|opened or|you opened|open (it|the)|orders?|ordinary|service hall"
    r"|suspended for|withdraw|agreed:|drop|fate|undelivered|nothing was changed)\b",
    "zh": r"改变主意|没有看懂|包月|受理|归属地|网外|好友|成功送达|(?<!暂)无结果|尚无结果"
    r"|系统暂时繁忙|座席|(?<=[\u4e00-\u9fff])[,;:?!]",
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("language", sorted(AVOIDED))
def test_sentence_has_the_words_of_the_vocabulary(path: Path, language: str):
    catalogue, found = Catalogue(path), []
    for key in catalogue:
        if key.startswith("speech."):
            continue
        text = re.sub(r"\{\w+\}", "", catalogue._texts[key][language])  # noqa: SLF001
        if re.search(AVOIDED[language], text, re.IGNORECASE):
            found.append(f"[{key}] {text}")
    assert found == []
