"""docs/modem.md as it is: its settings, real processes, two friends and one SIM."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.kannel import PASSWORD, SIM_NUMBER, Boxes
from tests.support.modem.device import Modem
from tests.support.product import COMMAND, answers, command, free_port, surroundings, until

PAGE = Path(__file__).parents[4] / "docs" / "modem.md"
SECRET = "secret-of-the-modem-page"
FRIEND, OTHER = "+8613802880000", "+8613957112345"


def settings_of_the_page(kannel_url: str, port: int, folder: Path) -> dict[str, str]:
    """The settings of the page, with our ports, secrets and folder."""
    (block,) = re.findall(r"```env\n(.*?)```", PAGE.read_text(), re.DOTALL)
    lines = dict(line.strip().split("=", 1) for line in block.strip().splitlines())
    assert lines["SHORT_CODE"] == SIM_NUMBER
    assert lines["TRIAL_PEOPLE"] == f"{FRIEND}=CN-SN,{OTHER}=CN-SN"
    ours = {
        "PUBLIC_URL": f"http://127.0.0.1:{port}", "KANNEL_URL": kannel_url,
        "KANNEL_PASSWORD": PASSWORD, "KANNEL_SECRET": SECRET, "SECRET_KEY": SECRET[::-1],
        "KANNEL_PACE": "100",
    }  # fmt: skip
    assert lines.keys() >= ours.keys()
    more = {"PORT": str(port), "METRICS_PORT": str(free_port()), "DATA_DIR": str(folder)}
    return {**lines, **ours, **more}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Modem, dict[str, str]]]:
    """The service as the page starts it, with a Kannel and a modem of its own."""
    folder, port = tmp_path_factory.mktemp("page"), free_port()
    with ExitStack() as stack:
        modem = Modem(folder / "sms-modem", plain_pin=True)
        stack.callback(modem.unplug)
        boxes = Boxes.on_modem(folder / "kannel", modem.path, port, SECRET)
        stack.callback(boxes.stop)
        boxes.start()
        settings = settings_of_the_page(boxes.url, port, folder / "data")
        for words in (("serve",), ("work",)):
            log = stack.enter_context((folder / f"{words[0]}.log").open("wb"))
            process = subprocess.Popen(
                [COMMAND, *words], env=surroundings(**settings), stdout=log, stderr=log
            )
            stack.callback(process.wait, 20)
            stack.callback(process.send_signal, signal.SIGTERM)
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), why="an answer of serve")
        yield modem, settings


def test_two_friends_text_each_other_over_one_sim(page: tuple[Modem, dict[str, str]]):
    modem, _ = page
    modem.phone(FRIEND, "HZKT")
    assert "您将开通短信回执" in modem.whole_texts()[0].said
    modem.phone(FRIEND, "是")
    assert "短信回执已开通" in modem.whole_texts(2)[1].said
    before = len(modem.sent)
    modem.phone(FRIEND, f"{OTHER.removeprefix('+86')} 晚上见")
    passed_on = modem.texts(before + 1)[before]
    assert passed_on.submit.to == OTHER
    assert passed_on.submit.said == "尾号0000：晚上见"
    modem.report(passed_on)
    receipt = modem.texts(before + 2)[before + 1].submit
    assert receipt.to == FRIEND
    assert receipt.flash
    assert f"发给{OTHER.removeprefix('+86')}的短信已送达" in receipt.said


def test_doctor_is_content(page: tuple[Modem, dict[str, str]]):
    _, settings = page
    checks = [
        json.loads(line) for line in command("doctor", "--json", **settings).stdout.splitlines()
    ]
    assert [each for each in checks if not each["ok"]] == []
    assert any("no Twilio account" in each["check"] for each in checks)
