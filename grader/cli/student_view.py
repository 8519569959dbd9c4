"""Prints a grade in the terminal of a student who runs `grader check`, within 80 columns.

It shows what the student's page would show before the due date. Texts are rich `Text` and never
markup. Every symbol stands beside its word, so nothing depends on colour.
"""

from __future__ import annotations

from datetime import UTC, datetime

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from grader.records import Grade, PhaseStrip, Result, Table, TrainingRun
from grader.reports.student.page import Page, make_page, number, numeric_columns
from grader.reports.student.plots import tabulate
from grader.reports.student.sections import Cause, Section
from grader.reports.student.status_words import STATUS_SYMBOLS, STATUS_WORDS
from grader.reports.student.training_run import tabulate_epochs, tell_modes
from grader.text import counted

_STYLES: dict[Result, str] = {
    "passed": "green",
    "partial": "yellow",
    "failed": "red",
    "not_attempted": "red",
    "not_scored": "magenta",
    "needs_marking": "cyan",
}
_ASCII_SYMBOLS: dict[Result, str] = {
    "passed": "+",
    "partial": "~",
    "failed": "x",
    "not_attempted": "-",
    "not_scored": "!",
    "needs_marking": "?",
}
_INDENT = 2
_TAIL = 15  # lines of a traceback or an output
_COLUMNS = 8  # of a table: more would be one letter wide


def show(grade: Grade, console: Console) -> None:
    """Print an overview, the details of each criterion, the training run, and a summary line."""
    page = make_page(grade, homework="", now=datetime.now(UTC), due=None)
    console.print(_text(f"Results for {page.student}", console, "bold"))
    for note in page.notes:
        console.print(_text(f"Note: {note}", console, "dim"))
    console.print()
    console.print(_overview(page, console))
    console.print()
    for cause in page.causes:
        _show_cause(cause, console)
    hinted = [one for one in page.passed if one.hints]
    for section in (*page.single, *hinted):
        if section.disclosure == "full":
            _show_section(section, console)
    if page.unattempted:
        _show_unattempted(page, console)
    if page.run is not None:
        _show_run(page.run, console)
    console.print(_summary(page))


def _overview(page: Page, console: Console) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, safe_box=True, pad_edge=False, show_edge=False)
    grid.add_column("Part", max_width=10, overflow="fold")
    grid.add_column("Criterion", max_width=36, overflow="fold")
    grid.add_column("Result", max_width=22, overflow="fold")
    grid.add_column("Points", justify="right", no_wrap=True)
    for section in page.sections:
        grid.add_row(
            _text(section.part, console),
            _text(section.title, console),
            _status(section, console),
            _points(section),
        )
    return grid


def _show_section(section: Section, console: Console) -> None:
    console.print(_text(section.title, console, "bold"))
    _indent(Text.assemble(_status(section, console), ", ", _points(section), " points"), console)
    _indent(_text(section.reason, console), console)
    pictures = [one for one in section.pictures if not isinstance(one, PhaseStrip)]
    for table in (*section.tables, *map(tabulate, pictures)):   # phases are shown by epoch below
        _indent(_grid(table, console), console)
        console.print()
    for hint in section.hints:
        _indent(_text(f"Hint (costs nothing): {hint}", console), console)
    _show_ending(section, console)


def _show_cause(cause: Cause, console: Console) -> None:
    """Print an error that cost several criteria once."""
    console.print(_text(cause.told.reason, console, "bold"))
    _indent(Text(f"Because of this, {len(cause.sections)} criteria could not be tested:"), console)
    for section in cause.sections:
        line = Text.assemble(_text(section.title, console), ", ", _points(section))
        _indent(line, console, by=2 * _INDENT)
    _show_ending(cause.told, console)


def _show_unattempted(page: Page, console: Console) -> None:
    """Print the parts that were not attempted as one list."""
    most = sum(one.max for one in page.unattempted)
    parts = counted(len(page.unattempted), "part")
    console.print(_text(f"Not attempted: {parts}, {number(most)} points", console, "bold"))
    for blank in page.blanks:
        for section, reason in zip(blank.sections, blank.reasons, strict=True):
            line = Text.assemble(_text(section.title, console), ", ", _points(section))
            _indent(line, console)
            if reason:
                _indent(_text(reason, console), console, by=2 * _INDENT)
        if blank.shared:
            _indent(_text(blank.shared, console), console, by=2 * _INDENT)
    console.print()


def _show_ending(section: Section, console: Console) -> None:
    """Print the next step, and the last lines of the error message and of the output."""
    if section.next_step:
        _indent(_text(f"Next: {section.next_step}", console, "bold"), console)
    tails = (("Error message", section.traceback), ("Last lines of your output", section.output))
    for label, tail in tails:
        if tail:
            last = "\n".join(tail.split("\n")[-_TAIL:])
            _indent(Text(f"{label}:"), console)
            _indent(_text(last, console, "dim"), console, by=2 * _INDENT)
    console.print()


def _show_run(run: TrainingRun, console: Console) -> None:
    """Print cautions and the modes by epoch. Plots and the rest are only on the page."""
    if not run.cautions and not run.stretches:
        return
    console.print(_text("Your training run", console, "bold"))
    _indent(Text("Self-reported by the process that ran your code; it costs no points."), console)
    for caution in run.cautions:
        where = f" ({caution.where})" if caution.where else ""
        _indent(_text(f"Caution: {caution.what}{where}", console, "yellow"), console)
        _indent(_text(caution.why, console), console, by=2 * _INDENT)
    if run.stretches:
        _indent(_text(tell_modes(run.stretches), console), console)
        _indent(_grid(tabulate_epochs(run.stretches), console), console)
    console.print()


def _text(text: str, console: Console, style: str = "") -> Text:
    """Text for this terminal. A character that its encoding lacks becomes a question mark."""
    writable = text.encode(console.encoding, "replace").decode(console.encoding)
    return Text(writable, style=style, overflow="fold")


def _indent(item: Text | Grid, console: Console, by: int = _INDENT) -> None:
    console.print(Padding(item, (0, 0, 0, by)))


def _grid(table: Table, console: Console) -> Grid:
    kept = min(len(table.columns), _COLUMNS)
    grid = Grid(
        title=_text(table.title, console, "italic") if table.title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        safe_box=True,
        pad_edge=False,
        show_edge=False,
    )
    for name, right in zip(table.columns[:kept], numeric_columns(table), strict=False):
        grid.add_column(_text(name, console), justify="right" if right else "left", overflow="fold")
    for row in table.rows:
        grid.add_row(*(_text(cell, console) for cell in row[:kept]))
    if left_out := len(table.columns) - kept:
        grid.caption = f"and {left_out} more column{'s' if left_out > 1 else ''}"
        grid.caption_justify = "left"
    return grid


def _status(section: Section, console: Console) -> Text:
    if section.status is None:
        return Text("after the due date")
    unicode = console.encoding.startswith("utf")
    symbol = (STATUS_SYMBOLS if unicode else _ASCII_SYMBOLS)[section.status]
    return Text(f"{symbol} {STATUS_WORDS[section.status]}", style=_STYLES[section.status])


def _points(section: Section) -> Text:
    points = "-" if section.points is None else number(section.points)
    return Text(f"{points} / {number(section.max)}")


def _summary(page: Page) -> Text:
    statuses = [section.status for section in page.sections]
    waiting = statuses.count("needs_marking")
    counts = [
        f"{count} {words}"
        for count, words in (
            (statuses.count("passed"), "passed"),
            (statuses.count("partial"), "partial"),
            (statuses.count("failed"), "failed"),
            (statuses.count("not_attempted"), "not attempted"),
            (waiting, "needs manual grading" if waiting == 1 else "need manual grading"),
            (statuses.count("not_scored"), "not scored"),
            (statuses.count(None), "after the due date"),
        )
        if count
    ]
    score = f"{number(page.score)} / {number(page.max)} points"
    if not page.complete:
        score += " of the criteria shown"
    elif page.late_penalty:
        score += f" after a late penalty of {number(page.late_penalty)}"
    return Text.assemble((score, "bold"), f": {', '.join(counts)}")
