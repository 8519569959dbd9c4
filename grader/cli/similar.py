"""`grader similar`: pairs of submissions with similar code, for a person to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli import options as option

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from rich.console import Console

    from grader.reports.similar_code.pairs import SimilarCode

_SHOWN = 20   # pairs in the terminal


@click.command()
@click.argument("submissions", type=click.Path(path_type=Path))
@option.rubric
@option.profile
@option.out
@click.option("--threshold", type=click.FloatRange(0.05, 1), default=0.6, show_default=True,
              metavar="SHARE", help="List a pair from this share of either side's own code.")
@click.option("--common", type=click.IntRange(min=2), default=10, show_default=True, metavar="N",
              help="Leave out code that more than N submitters have.")
def similar(submissions: Path, out: Path, threshold: float, common: int, **options: Any) -> int:
    """List pairs of SUBMISSIONS with similar code.

    Compares code and notebooks without names of variables, comments and layout. Code of the
    starter, the handouts and the reference is taken out. Writes similar.html with both sides of
    each pair, similar.json, and the class report. It runs no submission and changes no mark.
    """
    from rich.progress import Progress

    from grader.errors import UsageError
    from grader.reports.similar_code.page import render_similar
    from grader.reports.similar_code.pairs import PAGE, write_pairs
    from grader.run.refresh import refresh_report
    from grader.run.similar import compare_class, read_class
    from grader.submissions.discover import discover
    from grader.submissions.enrolment import enrol
    from grader.submissions.roster import Roster, read_roster
    from grader.text import counted, write_text

    console, rubric = option.console_of(), option.rubric_of(options)
    roster = read_roster(submissions)
    found = [item for item in discover(submissions) if out.resolve() not in item.sources]
    if len(found) < 2:
        there = counted(len(found), "submission")
        raise UsageError(f"{submissions}: {there}; a comparison needs two")
    hand_ins = enrol(rubric, found, roster).hand_ins
    bars = option.console_of(stderr=True)
    with Progress(console=bars, transient=True, disable=not bars.is_terminal) as progress:
        tasks = {name: progress.add_task(name.capitalize(), total=None)
                 for name in ("reading", "comparing")}

        def tell(what: str, done: int, total: int) -> None:
            progress.update(tasks[what], completed=done, total=total)

        read = read_class(rubric, hand_ins, tell)
        pairs = compare_class(read, hand_ins, threshold, common, tell)
    names = {one.student: one.name for one in (roster or Roster()).people}
    write_pairs(out, pairs)
    write_text(out / PAGE, [render_similar(pairs, read.codes, names, rubric.title)])
    _show(console, pairs, names, out)
    try:
        refresh_report(out)
    except UsageError as error:   # no run yet, or one that goes on
        click.echo(f"The class report does not have these pairs yet; the next `grader run` adds "
                   f"them. ({error})")
    return 0


def _show(
    console: Console, found: SimilarCode, names: dict[str, str], out: Path
) -> None:
    from grader.reports.similar_code.pairs import PAGE, names_of
    from grader.text import counted

    def say(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    for line in found.left_out:
        say(f"Not compared: {line}")
    for pair in found.pairs[:_SHOWN]:
        say(f"{pair.share:5.0%}  {names_of(pair.left.students, names)}  and  "
            f"{names_of(pair.right.students, names)}")
    if len(found.pairs) > _SHOWN:
        say(f"... and {counted(len(found.pairs) - _SHOWN, 'more pair')} in {out / PAGE}")
    shares = "shares" if len(found.pairs) == 1 else "share"
    say(f"{counted(len(found.pairs), 'pair')} among {counted(found.submissions, 'submission')} "
        f"{shares} at least {found.threshold:.0%} of either side's own code.")
    say(f"Left out: {found.common_share:.0%} of all code, which more than {found.common} "
        "submitters have.")
    if found.common_share > 0.5:
        say("That is most of the code: many students may have one source. Look again with a "
            "greater --common.")
    say(f"Both sides: {out / PAGE}. Similar code proves nothing, and no mark was changed.")


COMMANDS = (similar,)
