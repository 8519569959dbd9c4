"""An end to code that reaches no training step: a signal where there is one, else an interrupt."""

from __future__ import annotations

import _thread
import signal
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AGAIN = 2.0   # seconds: an `except:` of the student's may swallow the first one


@contextmanager
def alarm(seconds: float, ring: Callable[[], None]) -> Iterator[None]:
    """After so many seconds `ring` is called in the main thread, wherever it is, and raises.

    It is called again until the context is left. To be entered in the main thread.
    """

    def handle(number: int, frame: types.FrameType | None) -> None:
        ring()

    if hasattr(signal, "setitimer"):
        before = signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        return
    # Windows: a thread can make the main thread believe that Ctrl-C was pressed.
    over = threading.Event()
    before = signal.signal(signal.SIGINT, handle)
    threading.Thread(target=_interrupting, args=(over, seconds), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.signal(signal.SIGINT, before)


def _interrupting(over: threading.Event, seconds: float) -> None:
    while not over.wait(seconds):
        _thread.interrupt_main()
        seconds = AGAIN
