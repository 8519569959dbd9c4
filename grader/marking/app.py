"""The page of `grader mark`: its files, and what its scripts ask for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from grader.errors import GraderError
from grader.grading.marks import Item
from grader.marking import payloads as cards
from grader.marking.answers import Answer
from grader.marking.auth import FILE_POLICY, PAGE_POLICY, Guard, ticket
from grader.marking.drafts import Drafts
from grader.marking.mark_store import Comment
from grader.marking.service import LONGEST_COMMENT, Desk, Given, NotAllowed
from grader.rubric.model import Criterion
from grader.run.results_folder import kept_pdf
from grader.text import plain

_STATIC = Path(__file__).parent / "static"
_LONGEST_DRAFT = 20_000   # characters
_PDF = b"%PDF-"

Text = Annotated[str, Field(max_length=LONGEST_COMMENT)]
Told = dict[str, Any]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _OfAnswer(_Asked):
    """`answer` is the digest and `seen` the version of what the marker has before their eyes."""

    answer: str
    seen: int = Field(ge=0)


class Save(_OfAnswer):
    points: float
    options: list[Annotated[int, Field(ge=0)]] = Field([], max_length=50)   # their places, from 0
    comments: list[int] = Field([], max_length=50)   # their numbers
    comment: Text = ""
    note: Text = ""


class Dispute(_OfAnswer):
    note: Text


class Undo(_OfAnswer):
    pass


class NewComment(_Asked):
    text: Text
    points: float = Field(ge=-1000, le=1000, multiple_of=0.25)
    replaces: int = 0


@dataclass(frozen=True)
class Page:
    """One person's page. `renew` writes grades and feedback anew and says what it did."""

    desk: Desk
    drafts: Drafts
    marker: str
    names: bool
    token: str
    renew: Callable[[], str]

    def app(self, port: int) -> ASGIApp:
        routes = [
            Route("/", _index),
            Mount("/static", StaticFiles(directory=_STATIC)),
            Route("/pdf/{ticket}/{digest}", self._pdf),
            Route("/api/class", _answering(self._class)),
            Route("/api/renew", _answering(self._renew), methods=["POST"]),
            Route("/api/criteria/{criterion}", _answering(self._criterion)),
            Route("/api/criteria/{criterion}/comments", _answering(self._add_comment),
                  methods=["POST"]),
            *[
                Route(f"/api/answers/{{criterion}}/{{key}}{path}", _answering(what), methods=[verb])
                for path, what, verb in (
                    ("", self._card, "GET"),
                    ("/draft", self._draft, "PUT"),
                    ("/mark", self._save, "POST"),
                    ("/dispute", self._dispute, "POST"),
                    ("/undo", self._undo, "POST"),
                )
            ],
        ]
        return Guard(Starlette(routes=routes), self.token, port)

    def _class(self, path: Told, body: Any) -> Told:
        about = {"title": self.desk.title, "marker": self.marker, "names": self.names}
        return about | cards.class_of(self.desk)

    def _renew(self, path: Told, body: Any) -> Told:
        return {"said": self.renew()}

    def _criterion(self, path: Told, body: Any) -> Told:
        criterion = self._of_rubric(path)
        return cards.criterion_of(self.desk, criterion, self.marker, names=self.names)

    def _add_comment(self, path: Told, body: Any) -> Told:
        asked, criterion = NewComment.model_validate(body), self._of_rubric(path)
        self.desk.book.add_comment(Comment(
            criterion.id, plain(asked.text).strip(), asked.points, self.marker, asked.replaces
        ))
        return self._criterion(path, body)

    def _card(self, path: Told, body: Any) -> Told:
        return self._shown(self._answer(path))

    def _draft(self, path: Told, body: Any) -> Told:
        draft = json.dumps(body) if body else ""
        if len(draft) > _LONGEST_DRAFT:
            raise NotAllowed("the draft is too long to be kept")
        self.drafts.put(self.marker, _draft_key(self._answer(path)), draft)
        return {}

    def _save(self, path: Told, body: Any) -> Told:
        asked = Save.model_validate(body)
        answer = self._looked_at(path, asked)
        criterion = answer.criterion
        known = {one.number: one for one in self.desk.book.comments(criterion.id)}
        try:
            chosen = [criterion.options[place] for place in asked.options]
            used = [known[number] for number in asked.comments]
        except (IndexError, KeyError):
            raise NotAllowed(
                "an option or a comment is no longer there: load the page again"
            ) from None
        items = [Item(one.points, one.text) for one in chosen]
        items += [Item(one.points, one.text) for one in used]
        given = Given(asked.points, tuple(items), plain(asked.comment), plain(asked.note))
        found = self.desk.mark(answer, self.marker, given, asked.seen)
        self.drafts.put(self.marker, _draft_key(answer), "")
        return self._shown(found)

    def _dispute(self, path: Told, body: Any) -> Told:
        asked = Dispute.model_validate(body)
        answer = self._looked_at(path, asked)
        return self._shown(self.desk.dispute(answer, self.marker, plain(asked.note), asked.seen))

    def _undo(self, path: Told, body: Any) -> Told:
        answer = self._looked_at(path, Undo.model_validate(body))
        return self._shown(self.desk.undo(answer, self.marker))

    def _of_rubric(self, path: Told) -> Criterion:
        for one in self.desk.criteria:
            if one.id == path["criterion"]:
                return one
        raise NotAllowed("there is no such criterion")

    def _answer(self, path: Told) -> Answer:
        return self.desk.answer(path["criterion"], path["key"])

    def _looked_at(self, path: Told, asked: _OfAnswer) -> Answer:
        answer = self._answer(path)
        if asked.answer != answer.digest:
            raise NotAllowed(
                "this was handed in anew meanwhile, with another answer: nothing was saved; load "
                "the page again"
            )
        return answer

    def _shown(self, answer: Answer) -> Told:
        digest = str(answer.row.verdict.seen.get("sha256", ""))
        address = f"/pdf/{ticket(self.token, digest)}/{digest}"
        draft = self.drafts.of(self.marker, _draft_key(answer))
        return cards.card(self.desk, answer, draft, address, names=self.names)

    async def _pdf(self, request: Request) -> Response:
        """An answer's PDF, to whoever was told its address; nothing that is no PDF."""
        digest = request.path_params["digest"]
        if request.path_params["ticket"] != ticket(self.token, digest):
            return Response("There is no such file.", HTTPStatus.NOT_FOUND, media_type="text/plain")
        path = kept_pdf(self.desk.out, digest)
        if not path.is_file():
            return Response("It is gone.", HTTPStatus.NOT_FOUND, media_type="text/plain")
        with path.open("rb") as file:
            begins = file.read(1024)
        if _PDF not in begins:
            return Response("This file is no PDF.", media_type="text/plain")
        headers = {"content-security-policy": FILE_POLICY,
                   "content-disposition": 'inline; filename="answer.pdf"'}
        return FileResponse(path, media_type="application/pdf", headers=headers)


async def _index(request: Request) -> Response:
    headers = {"content-security-policy": PAGE_POLICY}
    return FileResponse(_STATIC / "mark.html", media_type="text/html", headers=headers)


def _answering(what: Callable[[Told, Any], Told]) -> Any:
    """A request's path and body in, plain data out; what is not allowed is said in words."""

    async def answered(request: Request) -> Response:
        try:
            body = await request.json() if request.method != "GET" else None
            return JSONResponse(await run_in_threadpool(what, request.path_params, body))
        except (ValidationError, json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            return _error("that is no mark", HTTPStatus.UNPROCESSABLE_ENTITY)
        except NotAllowed as error:
            return _error(str(error), HTTPStatus.CONFLICT)
        except (GraderError, OSError) as error:
            return _error(str(error), HTTPStatus.INTERNAL_SERVER_ERROR)

    return answered


def _error(text: str, status: HTTPStatus) -> Response:
    return JSONResponse({"error": text}, status)


def _draft_key(answer: Answer) -> str:
    return f"{answer.criterion.id} {answer.key} {answer.digest}"
