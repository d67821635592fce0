"""The threads of a worker: each does what is next."""

import threading

import pytest

from receipts.hands import Hands


def test_what_is_asked_for_is_begun_in_order():
    done: list[int] = []
    hands = Hands(1, "send")
    for turn in range(9):
        hands.do(done.append, turn)
    hands.close()
    assert done == list(range(9))


def test_as_many_things_are_under_way_as_there_are_hands():
    meeting = threading.Barrier(4)
    hands = Hands(3, "send")
    for _ in range(3):
        hands.do(meeting.wait, 5)
    meeting.wait(5)
    hands.close()


def test_closing_waits_for_all_that_was_asked_for():
    held, done = threading.Event(), list[str]()
    hands = Hands(2, "send")
    hands.do(held.wait, 5)
    hands.do(held.wait, 5)
    hands.do(done.append, "last")
    closing = threading.Thread(target=hands.close)
    closing.start()
    assert closing.is_alive()
    assert not done
    held.set()
    closing.join(5)
    assert done == ["last"]


def test_trouble_with_one_thing_costs_no_hand(capsys: pytest.CaptureFixture[str]):
    done: list[str] = []
    hands = Hands(1, "send")
    hands.do(int, "no number")
    hands.do(done.append, "after")
    hands.close()
    assert done == ["after"]
    assert "a hand failed" in capsys.readouterr().out


def test_hands_that_were_never_needed_close_at_once():
    Hands(16, "send").close()
