"""Interrupts code now and then: by a signal where there is one, else by Ctrl-C's interrupt."""

from __future__ import annotations

import _thread
import signal
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AGAIN = 2.0   # seconds


@contextmanager
def alarm(seconds: float, ring: Callable[[], None]) -> Iterator[None]:
    """Call `ring` in the main thread every `AGAIN` seconds, wherever that is; it may raise.

    It is called again even so, since an `except:` of the student's may swallow the exception. The
    first call comes after `seconds` if that is sooner. Enter the context in the main thread.
    """
    seconds = min(seconds, AGAIN)

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
    threading.Thread(target=_interrupt, args=(over, seconds), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.signal(signal.SIGINT, before)


def _interrupt(over: threading.Event, seconds: float) -> None:
    while not over.wait(seconds):
        _thread.interrupt_main()
        seconds = AGAIN
