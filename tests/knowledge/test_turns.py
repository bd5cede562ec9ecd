"""The line of writers."""

from __future__ import annotations

import threading
import time

from knowledge.turns import Turns


def test_hands_the_turn_on_in_the_order_of_asking() -> None:
    turns, served = Turns(), list[int]()
    assert turns.take(1)
    threads = []
    for number in range(5):
        thread = threading.Thread(target=lambda n=number: (turns.take(60), served.append(n), turns.give()))
        thread.start()
        threads.append(thread)
        while len(turns._line) <= number:  # noqa: SLF001 - so that they ask in this order
            time.sleep(0.001)
    turns.give()
    for thread in threads:
        thread.join()
    assert served == [0, 1, 2, 3, 4]


def test_gives_up_after_the_timeout_and_leaves_the_line_intact() -> None:
    turns = Turns()
    assert turns.take(1) and not turns.take(0.01)
    turns.give()
    assert turns.take(0.01)
