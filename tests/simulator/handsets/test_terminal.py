import subprocess
import sys

from tests.simulator.product import Product
from tests.simulator.support import Network
from tests.support.product import surroundings

PHONE = "13802880000"


def run_terminal(lines: str, network_url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator.handsets.terminal", PHONE],
        input=lines,
        env=surroundings(NETWORK_URL=network_url),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_typed_lines_send_texts_make_calls_and_print_events(
    network: Network, product: Product
) -> None:
    product.answer("/sms", "<Response><Message>请回复 是</Message></Response>")
    product.answer(
        "/voice",
        '<Response><Gather action="/voice/key" numDigits="1" input="dtmf speech" timeout="50">'
        '<Say language="cmn-CN">请按1</Say></Gather></Response>',
    )
    product.answer("/voice/key", "<Response><Say>谢谢</Say></Response>")
    shown = run_terminal("text 7500 KTDXHZ\n> 是\ncall 10086\n1\ninbox\nquit\n", network.url)
    assert shown.returncode == 0, shown.stderr
    assert [p["Body"] for p in product.posts("/sms")] == ["KTDXHZ", "是"]
    assert [p["Digits"] for p in product.posts("/voice/key")] == ["1"]
    for words in ("[短信 text 7500] 请回复 是", "(cmn-CN) 请按1", "谢谢", "通话结束"):
        assert words in shown.stdout
    assert "\033" not in shown.stdout


def test_terminal_without_a_network_says_how_to_start_one() -> None:
    shown = run_terminal("", "http://127.0.0.1:9")
    assert shown.returncode == 1
    assert "make run" in shown.stderr
