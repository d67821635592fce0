import sys

from tests.simulator.product import Product
from tests.simulator.support import PHONE, Network
from tests.support.product import run_to_end


def test_typed_lines_send_texts_make_calls_and_print_events(network: Network, product: Product):
    product.answer("/sms", "<Response><Message>请回复 是</Message></Response>")
    product.answer(
        "/voice",
        '<Response><Gather action="/voice/key" numDigits="1" input="dtmf speech" timeout="50">'
        '<Say language="cmn-CN">请按1</Say></Gather></Response>',
    )
    product.answer("/voice/key", "<Response><Say>谢谢</Say></Response>")
    lines = "text 7500 KTDXHZ\n> 是\ncall 10086\n1\ninbox\nquit\n"
    argv = (sys.executable, "-m", "simulator.handsets.terminal", PHONE)
    shown = run_to_end(*argv, given=lines, NETWORK_URL=network.url)
    assert shown.returncode == 0, shown.stderr
    assert [p["Body"] for p in product.posts("/sms")] == ["KTDXHZ", "是"]
    assert [p["Digits"] for p in product.posts("/voice/key")] == ["1"]
    for words in ("[短信 text 7500] 请回复 是", "(cmn-CN) 请按1", "谢谢", "通话结束"):
        assert words in shown.stdout
    assert "\033" not in shown.stdout
