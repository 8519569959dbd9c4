"""A class with written answers, graded for real, and a `grader mark` to look at."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from grader.checks.registry import parameter_models
from grader.cli.app import cli
from grader.marking.answers import StudentAnswer
from grader.marking.app import MarkingApp
from grader.marking.auth import new_token
from grader.marking.drafts import open_drafts
from grader.marking.mark_store import MarkStore, open_marks
from grader.marking.new_marks import NewMark
from grader.marking.server import address_of, open_socket, server_of
from grader.marking.service import MarkingService
from grader.rubric.load import load
from grader.run.provenance import fingerprints as fingerprint
from grader.run.refresh import refresh

ROOT = Path(__file__).parent.parent.parent
RUBRIC = """\
title: "Written homework"
reference: reference
checks: doubt.py
total: 12
cap: 100
criteria:
  - id: written-a
    title: "Where batch norm stands"
    part: "1(a)"
    points: 2
    check: written
    answer: a
    options:
      - {points: 1, text: "Names something peculiar."}
      - {points: 1, text: "Batch norm stands before the ReLU."}
      - {points: 0.5, text: "Half of it."}
  - id: written-b
    title: "What the modes do"
    part: "1(b)"
    points: 4
    check: written
    answer: b
    options:
      - {points: -1, text: "Does not say where."}
  - {id: groups, title: "Three groups", part: "1(e)", points: 5, check: doubt}
  - {id: always, title: "Handed in", part: "2", points: 1, check: always}
"""
DOUBT = """\
from grader.checks.custom.api import Check, NoParams, Verdict, graded


def ask(criterion, exam, limits):
    return ()


def doubt(criterion, work, key):
    seen = {"counts": [448, 10, 94336], "file": f"{work.submission.student}_hw2.py, line 3"}
    return Verdict(criterion.id, "needs_marking", 0.0,
                   f"{work.submission.student} may have typed these in.", seen=seen)


def always(criterion, work, key):
    return graded(criterion, 1.0, "It is there.")


DOUBT = Check("doubt", NoParams, ask, doubt)
ALWAYS = Check("always", NoParams, ask, always)
"""
LATEX = r"""\documentclass{article}
\begin{document}
\subsection*{(a)}
Batch norm is right after a convolution and \emph{before} the ReLU.
\subsection*{(b)}
In training mode
\[ \hat{x} = \frac{x - \mu_B}{\sqrt{\sigma_B^2 + \epsilon}}, \]
and \texttt{model.eval()} is called before the validation.
\end{document}
"""
HOSTILE = r"""## (a)
<script>document.body.dataset.hacked = "script"</script>
<img src=x onerror="document.body.dataset.hacked = 'image'">
<svg onload="document.body.dataset.hacked = 'svg'"></svg>
[a link](javascript:document.body.dataset.hacked='link') ![a picture](http://192.0.2.1/x.png)
$\text{<img src=x onerror="document.body.dataset.hacked='math'">}$
$\class{x" onclick="document.body.dataset.hacked='class'}{y}$ $\href{javascript:alert(1)}{z}$

<math><mtext><img src=x onerror="document.body.dataset.hacked='mathml'"></mtext></math>

$\newcommand{\a}{\b\b\b\b}\newcommand{\b}{\c\c\c\c}\newcommand{\c}{\a}\a$

## (b)
""" + "$" + r"\frac{1}{" * 250 + "x" + "}" * 250 + "$ " + r"\begin{align}" * 300


@dataclass(frozen=True)
class Classroom:
    """The folder of a homework with its results."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def hand_ins(self) -> Path:
        return self.folder / "class"

    def run(self, *more: str) -> int:
        """Grade the class, in the process sandbox: nothing of it is run."""
        fingerprint.of_folder.cache_clear()
        return command("run", self.hand_ins, "--rubric", self.folder / "rubric.yaml", "--sandbox",
                       "process", "--out", self.results, "--jobs", "1", *more)

    def grades(self) -> dict[str, dict[str, Any]]:
        """By student, then by criterion; the score and the state besides."""
        told = json.loads((self.results / "grades.json").read_text(encoding="utf-8"))
        return {
            one["student"]: {"score": one["score"], "state": one["state"]}
            | {row["id"]: row for row in one["criteria"]}
            for one in told["submissions"]
        }

    @contextmanager
    def service(self) -> Iterator[MarkingService]:
        with open_marks(self.results) as store:
            yield self.service_of(store)

    def service_of(self, store: MarkStore) -> MarkingService:
        return MarkingService(self.results, store)

    def mark(self, student: str, criterion: str, points: float, marker: str = "ada",
             **more: str) -> StudentAnswer:
        """Keep a mark, as the page does."""
        with self.service() as service:
            answer = answer_of(service, student, criterion)
            return service.mark(answer, marker, NewMark(points, **more), answer.place.version)  # type: ignore[arg-type]  # comment and note


def make_class(folder: Path) -> Classroom:
    """Eight students: Markdown, LaTeX, a PDF, a hostile one, one with a blank part."""
    room = Classroom(folder)
    (folder / "rubric.yaml").write_text(RUBRIC, encoding="utf-8")
    (folder / "doubt.py").write_text(DOUBT, encoding="utf-8")
    (folder / "reference").mkdir()
    (folder / "reference" / "hw2.py").write_text("x = 1\n", encoding="utf-8")
    for number, student in enumerate(("curie", "hopper", "noether", "turing"), start=5):
        text = f"## (a)\nBatch norm, says {number}.\n## (b)\n`eval()`, says {number}.\n"
        hand_in(room, student, text)
    hand_in(room, "franklin", "## (a)\nBefore the ReLU.\n")
    hand_in(room, "mallory", HOSTILE)
    hand_in(room, "lamport", LATEX, "answers.tex")
    hand_in(room, "wing", a_pdf("An answer in a PDF"), "answers.pdf")
    assert room.run() == 0
    return room


def hand_in(room: Classroom, student: str, text: str | bytes, name: str = "answers.md") -> None:
    folder = room.hand_ins / student
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "hw2.py").write_text(f"# {student}\n", encoding="utf-8")
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)


def a_pdf(text: str) -> bytes:
    """A page with a line on it."""
    stream = f"BT /F1 24 Tf 40 120 Td ({text}) Tj ET".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Contents 4 0 R /Resources "
        b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    )
    found, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, start=1):
        places.append(len(found))
        found += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (found + b"xref\n0 5\n0000000000 65535 f \n" + table
            + b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(found))


def answer_of(service: MarkingService, student: str, criterion: str) -> StudentAnswer:
    return next(one for one in service.answers(criterion) if one.student == student)


def command(*words: str | Path) -> int:
    code: int = cli.main([str(word) for word in words], standalone_mode=False)
    return code


@dataclass(frozen=True)
class Asked:
    """A server that is asked as the page's scripts ask it."""

    address: str

    @property
    def base(self) -> str:
        return self.address.partition("/#")[0]

    @property
    def token(self) -> str:
        return self.address.partition("#")[2]

    def ask(
        self, path: str, method: str = "GET", body: Any = None, **headers: str
    ) -> httpx.Response:
        given = {"X-Grader-Token": self.token} | headers
        return httpx.request(method, self.base + path, json=body, headers=given, timeout=20)

    def card(self, criterion: str, key: str) -> Any:
        return self.ask(f"/api/answers/{criterion}/{key}").json()


@dataclass(frozen=True)
class Served(Asked):
    """A `grader mark` in a process of its own."""

    process: subprocess.Popen[str]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> str:
        """Send Ctrl-C; returns what the command printed."""
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=20)
        return said


@contextmanager
def serving(
    room: Classroom, marker: str = "ada", *more: str, browser: bool = False
) -> Iterator[Served]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    words = ["mark", "--out", room.results, "--rubric", room.folder / "rubric.yaml"]
    words += [] if browser else ["--no-browser"]
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", *map(str, words), "--marker", marker, *more],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        cwd=room.folder,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found is not None, line + process.stdout.read()
        served = Served(found[0], process)
        _wait(served)
        yield served
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@contextmanager
def serving_here(
    room: Classroom, marker: str = "ada", *, names: bool = False
) -> Iterator[Asked]:
    """Serve in a thread of this process, which starts faster."""
    rubric = load(room.folder / "rubric.yaml", parameter_models)
    with (
        open_marks(room.results) as store,
        open_drafts(room.results) as drafts,
        open_socket(0) as listener,
    ):
        service = MarkingService(room.results, store, rubric)
        app = MarkingApp(
            service, drafts, marker, names, new_token(), lambda: str(refresh(room.results))
        )
        server = server_of(app, listener)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            asked = Asked(address_of(app, listener))
            _wait(asked)
            yield asked
        finally:
            server.should_exit = True
            thread.join()


def _wait(served: Asked) -> None:
    for _ in range(100):
        try:
            served.ask("/")
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server does not answer")
