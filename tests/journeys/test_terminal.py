"""The handset in the terminal: texts, calls, flash messages."""

import re

from tests.support.phones import Phones
from tests.support.product import Service

FRIEND = "13957112345"


def test_terminal_subscribes_texts_and_shows_the_flash(service: Service, phones: Phones):
    number = phones.fresh("CN-GD").number
    typed = service.command(
        "phone", number, given=f"text 7500 KTDXHZ\n> 是\ntext {FRIEND} 你好\nwait 4\nquit\n"
    )
    assert typed.returncode == 0, typed.stderr
    shown = re.sub(r"\s*║\n║\s*", "", typed.stdout)  # the flash message is drawn in a box
    told = [shown.find(words) for words in ("回复“是”确认", "已开通", f"发给{FRIEND}的短信已")]
    assert -1 not in told, typed.stdout
    assert told == sorted(told)


def test_terminal_calls_and_presses_keys(service: Service, phones: Phones):
    phone = phones.fresh("CN-GD").opens()
    typed = service.command(
        "phone", phone.number, given="call 10086\n6\nhang\nwait 2\nquit\n"
    ).stdout
    told = [
        typed.find(words) for words in ("改收普通短信请按 6", "今后回执以普通短信", "您致电10086")
    ]
    assert -1 not in told, typed
    assert told == sorted(told)


def test_terminal_without_a_network_says_how_to_start_one(service: Service, tmp_path: object):
    typed = service.command("phone", DATA_DIR=str(tmp_path), NETWORK_URL="http://127.0.0.1:9")
    assert typed.returncode != 0
    assert "make run" in typed.stderr
    assert "Traceback" not in typed.stderr
