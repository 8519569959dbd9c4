"""Students' feedback pages in the forms in which other systems and mail programs take them.

Canvas takes a zip of files named as in its download ("Upload Submissions"): it finds the student
and the submission by the two numbers in each name. Nothing is sent or uploaded from here.
"""

from __future__ import annotations

import io
import json
import mailbox
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path, PurePath

from grader.errors import UsageError
from grader.export.gradescope import results_json
from grader.export.places import file_name, must_be_new
from grader.reports.saved_grades import SavedGrade, SavedGrades
from grader.submissions.roster import Entry, Person, Roster, newest
from grader.submissions.student_names import owner
from grader.text import counted, folded, plain_line

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LONGEST_ADDRESS = 254   # characters (RFC 5321, 4.5.3.1.3)
_LONGEST_NAME = 240   # bytes, so that .html fits behind it on any system
_NAMED = re.compile(r"(?:(?P<name>[^<>]*)<(?P<named>[^<>]*)>|(?P<bare>[^<>]*))")
_SUBMISSION = re.compile(r"submission_\d+")
_BODY = """\
Hello {name},

your feedback on {title} is in the attached page. Open it in a browser.
"""


@dataclass(frozen=True)
class Page:
    """A student's page: `html` and `markdown` as the run wrote them at `written`.

    `entry` is the last attempt.
    """

    grade: SavedGrade
    person: Person
    entry: Entry | None
    html: bytes
    markdown: bytes
    written: datetime

    @property
    def student(self) -> str:
        """The student's key, which is safe as a file name."""
        return self.grade.student


def pages(out: Path, saved: SavedGrades, roster: Roster) -> list[Page]:
    """Read the pages of these grades from a results folder.

    Raises UsageError if one is missing, and if one still withholds what is shown by now.
    """
    attempts: dict[str, list[Entry]] = {}
    for entry in roster.entries:
        attempts.setdefault(entry.student, []).append(entry)
    found = []
    for grade in saved.submissions:
        key = file_name(grade.student)
        try:
            html, markdown = ((out / "feedback" / f"{key}{suffix}").read_bytes()
                              for suffix in (".html", ".md"))
            written = (out / "feedback" / f"{key}.html").stat().st_mtime
        except OSError as error:
            raise UsageError(f"{error.filename}: {error.strerror}; write the feedback again with "
                             f"`grader mark --apply --out {out}`") from None
        person = roster.by_student.get(key, Person(key))
        found.append(Page(grade, person, newest(attempts.get(key, ())), html, markdown,
                          datetime.fromtimestamp(written, UTC)))
    if early := _written_too_early(found, saved):
        raise UsageError(f"{counted(len(early), 'page')} in {out / 'feedback'}, written before the "
                         "due date, must not withhold results any longer; write the feedback "
                         f"again with `grader mark --apply --out {out}`, then export")
    return found


def _written_too_early(found: Iterable[Page], saved: SavedGrades) -> list[Page]:
    due = saved.due
    withheld = any(one.visibility == "after_due" for one in saved.rubric.criteria)
    if due is None or not withheld or datetime.now(UTC) < due:
        return []
    return [page for page in found if page.written < due]


def to_folder(given: Iterable[Page], to: Path) -> list[str]:
    """Write a folder for each student. Returns the students who were left out: none."""
    must_be_new(to)
    for page in given:
        _write(to / page.student / "feedback.html", page.html)
        _write(to / page.student / "feedback.md", page.markdown)
    return []


def to_gradescope(given: Iterable[Page], to: Path, saved: SavedGrades) -> list[str]:
    """Write a folder for each submission, named as in Gradescope's export where that is known.

    It has `results.json` and a page for each member of the group, named by the student's key. The
    group has one result on Gradescope: the best of its members'. A score that is not complete is
    in no `results.json`. Returns no students.
    """
    must_be_new(to)
    best: dict[str, SavedGrade] = {}
    for page in given:
        origin = page.entry.origin if page.entry else ""
        folder = origin if _SUBMISSION.fullmatch(origin) else page.student
        _write(to / folder / f"{page.student}.html", page.html)
        if page.grade.final is None:   # the file has a number for every score
            continue
        if folder not in best or best[folder].score < page.grade.score:
            best[folder] = page.grade
    for folder, grade in best.items():
        text = json.dumps(results_json(saved, grade), indent=2, allow_nan=False) + "\n"
        _write(to / folder / "results.json", text.encode())
    return []


def to_canvas(given: Iterable[Page], to: Path) -> list[str]:
    """Write the zip for Canvas. Returns the students whose files Canvas has no number for."""
    written, without = io.BytesIO(), []
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for page in given:
            if name := _name_in_canvas(page):
                archive.writestr(f"{name}.html", page.html)
            else:
                without.append(page.student)
    _write(to, written.getvalue())
    return without


def to_mail(given: Sequence[Page], to: Path, title: str, sender: str) -> list[str]:
    """Write a message for each student: into an mbox if `to` ends in .mbox, else as .eml files.

    Args:
        given: the pages, each of which is attached to a message to its student.
        to: the mbox, which is replaced, or the folder of the .eml files.
        title: the homework's title.
        sender: the sender's address, perhaps with a name; "" leaves it to the mail program.

    Returns the students without a valid address, and those who share theirs: each would get the
    other's mark. Raises UsageError if the sender's address is none.
    """
    given_sender = _NAMED.fullmatch(sender.strip())
    who = given_sender and _address(given_sender["name"] or "",
                                    given_sender["named"] or given_sender["bare"] or "")
    if sender and who is None:
        raise UsageError(f"--from: found '{plain_line(sender, 80)}', expected an address such as "
                         "ada@example.edu or 'Ada Lovelace <ada@example.edu>'")
    addresses = {page.student: _address(page.person.name, page.person.email or page.person.login)
                 for page in given}
    owners = Counter(folded(one.addr_spec) for one in addresses.values() if one)
    messages, without = {}, []
    for page in given:
        address = addresses[page.student]
        if address is None or owners[folded(address.addr_spec)] > 1:
            without.append(page.student)
        else:
            messages[page.student] = _message(page, address, title, who)
    if to.suffix.lower() == ".mbox":
        _write(to, _mbox(messages.values()))
    else:
        must_be_new(to)
        for student, message in messages.items():
            _write(to / f"{student}.eml", message.as_bytes(policy=policy.SMTP))
    return without


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _name_in_canvas(page: Page) -> str:
    """Return the name of the student's file in Canvas's download; "" if its number is unknown."""
    entry, number = page.entry, page.person.canvas_id
    if entry is None or not entry.origin.startswith("canvas "):
        return ""
    known = PurePath(plain_line(entry.download).replace("\\", "/")).name
    known = known.encode()[:_LONGEST_NAME].decode(errors="ignore")
    told = owner(known)
    if told.number and number:   # a page never goes to another number than its student's
        return known if told.group == f"canvas {number}" else ""
    name = re.sub(r"[\W_]", "", page.student.casefold())
    if not name or name.isdigit():   # Canvas would take it for the student's number
        name = f"student{name}"
    late = "LATE_" if entry.late else ""
    file = entry.origin.split()[1]
    return f"{name}_{late}{number}_{file}_feedback" if number.isdigit() and file.isdigit() else ""


def _message(page: Page, to: Address, title: str, sender: Address | None) -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["To"] = to
    if sender is not None:
        message["From"] = sender
    message["Subject"] = f"Feedback on {_word(title, 120)}"
    message["Date"] = format_datetime(datetime.now(UTC))
    message["X-Unsent"] = "1"   # mail programs open it as a draft
    name = to.display_name or page.student
    message.set_content(_BODY.format(name=name, title=plain_line(title, 120)))
    message.add_attachment(page.html, "text", "html", filename="feedback.html")
    return message


def _address(name: str, address: str) -> Address | None:
    """Return a mail address; None if `address` is not exactly one, as with a line break in it."""
    if len(address) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
        return None
    return Address(_word(name, 80), addr_spec=address)


def _word(text: str, longest: int) -> str:
    """Return a text for a header, without what is decoded: `=?utf-8?q?=0D=0ABcc:...?=` is a Bcc."""
    return plain_line(text, longest).replace("=?", "= ?")


def _mbox(messages: Iterable[EmailMessage]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="grader-mbox-") as place:
        box = mailbox.mbox(Path(place) / "box")
        for message in messages:
            box.add(message.as_bytes(policy=policy.default))
        box.close()
        return (Path(place) / "box").read_bytes()
