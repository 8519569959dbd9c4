"""No command is silent for more than ten seconds, and Ctrl-C is answered at once."""

from __future__ import annotations

import io
import signal
import threading
from pathlib import Path

import pytest
from rich.console import Console

from grader.cli.checking import Checking
from grader.cli.heartbeat import in_words
from grader.cli.progress import Progress
from grader.cli.summary import finishing, stopping
from grader.records import Grade, Submission
from grader.run.jobs import GETTING_READY


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def graded(student: str) -> Grade:
    return Grade(student, Submission(student, Path(), Path(), (), ""), (), 0, 0)


def shown(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=False, color_system=None, width=80)


def look(progress: Progress | Checking, clock: Clock, seconds: float) -> None:
    """Let seconds pass, with a look at each."""
    for _ in range(int(seconds)):
        clock.now += 1
        progress.heartbeat.look()


def test_a_run_says_what_it_waits_for_whenever_ten_seconds_were_silent(
    console: Console, clock: Clock
) -> None:
    progress = Progress(console, clock)
    look(progress, clock, 10)   # an image is built, a download is unpacked
    assert shown(console) == ["Getting ready (9 s)"]
    progress.begin(3)
    progress.tell("ada", "the tests, at most 300 s a call")
    progress.tell("bob", GETTING_READY)
    look(progress, clock, 120)
    assert shown(console)[-1] == (
        "Waiting for ada (the tests, at most 300 s a call, 116 s), bob (getting ready, 116 s); "
        "0 of 3 submissions done"
    )
    assert len(shown(console)) == 1 + 120 // 9


def test_a_run_that_speaks_by_itself_says_nothing_more(console: Console, clock: Clock) -> None:
    progress = Progress(console, clock)
    progress.begin(30)
    for number in range(30):
        progress.tell(f"s{number}", "train, at most 800 s")
        look(progress, clock, 8)
        progress.done(graded(f"s{number}"))
    assert len(shown(console)) == 30
    assert not [line for line in shown(console) if "Waiting" in line]


def test_the_time_left_is_estimated_from_what_was_graded_and_not_from_what_was_known(
    console: Console, clock: Clock
) -> None:
    progress = Progress(console, clock)
    progress.begin(110)
    for number in range(100):   # known from an earlier run
        progress.tell(f"known{number}", "unpacking")
        progress.done(graded(f"known{number}"))
    assert "left" not in progress._so_far()
    for number in range(2):
        progress.tell(f"s{number}", "train, at most 800 s")
        clock.now += 60
        progress.done(graded(f"s{number}"))
    assert progress._so_far() == "102 of 110 submissions done, about 8 min left"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.5, "10 s"), (44, "40 s"), (89, "90 s"), (91, "2 min"), (5000, "83 min"), (9000, "2.5 h")],
)
def test_times_are_rounded(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize("height", [10, 24, 60])
def test_the_table_fits_the_terminal_with_its_last_line(height: int, clock: Clock) -> None:
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system=None, width=80, height=height
    )
    progress = Progress(console, clock)
    progress._total = 40
    for number in range(30):
        progress.done(graded(f"student-with-a-rather-long-name-{number}"))
    for number in range(4):
        progress.tell(f"running{number}", "train, at most 800 s")
    console.print(progress._table())
    lines = shown(console)
    assert len(lines) < height and max(map(len, lines)) <= 80
    assert "30 of 40 submissions done" in lines[-1]


def test_the_first_ctrl_c_says_how_many_are_finished_and_the_second_stops(
    console: Console, clock: Clock
) -> None:
    progress, stop = Progress(console, clock), threading.Event()
    progress.begin(9)
    for number in range(4):
        progress.tell(f"s{number}", "train, at most 800 s")
    progress.tell("next", GETTING_READY)   # it has not begun, so nobody waits for it
    with (
        pytest.raises(KeyboardInterrupt),
        finishing(stop, progress.say, lambda: len(progress.begun), "What was graded is kept."),
    ):
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        assert shown(console) == [
            "Finishing 4; nothing new begins. Press Ctrl-C again to stop at once."
        ]
        signal.raise_signal(signal.SIGINT)
    assert shown(console)[1:] == ["Stopping now.", "What was graded is kept."]


def test_a_check_is_stopped_by_the_first_ctrl_c_and_says_so(
    console: Console, clock: Clock
) -> None:
    checking = Checking(console, clock)
    with pytest.raises(KeyboardInterrupt), stopping(checking.note):
        signal.raise_signal(signal.SIGINT)
    assert shown(console) == ["Stopping now."]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_check_says_what_it_is_at(console: Console, clock: Clock) -> None:
    checking = Checking(console, clock)
    checking.tell("me", "train, at most 300 s [a markup]")
    look(checking, clock, 20)
    assert shown(console) == [
        "Checking your work: train, at most 300 s [a markup] (9 s)",
        "Checking your work: train, at most 300 s [a markup] (18 s)",
    ]
