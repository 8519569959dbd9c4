"""The web application of `grader mark`: serves the page and answers its scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from grader.errors import GraderError
from grader.grading.marks import Item
from grader.marking import payloads
from grader.marking.answers import StudentAnswer
from grader.marking.auth import FILE_POLICY, MARKER, PAGE_POLICY, AuthMiddleware, file_token
from grader.marking.drafts import Drafts
from grader.marking.mark_store import OptionEdit, SavedComment
from grader.marking.new_marks import NewLine, NewMark, NotAllowed
from grader.marking.requests import (
    AnswerRequest,
    Dispute,
    NewComment,
    NewOption,
    Save,
    Undo,
)
from grader.marking.service import MarkingService
from grader.rubric.model import Criterion
from grader.run.results_folder import kept_pdf
from grader.text import plain, plain_line

_STATIC = Path(__file__).parent / "static"
_LONGEST_DRAFT = 20_000   # characters
_PDF = b"%PDF-"

Json = dict[str, Any]


@dataclass(frozen=True)
class MarkingApp:
    """The application. `marker` is the name of whoever did not give the page another one.

    `refresh` rewrites grades and feedback and returns a message. With `names` the page shows whose
    answers these are.
    """

    service: MarkingService
    drafts: Drafts
    marker: str
    names: bool
    token: str
    refresh: Callable[[], str]

    def app(self, port: int) -> ASGIApp:
        """The ASGI application, for a server on this port."""
        routes = [
            Route("/", _index),
            Mount("/static", StaticFiles(directory=_STATIC)),
            Route("/pdf/{token}/{digest}", self._pdf),
            Route("/api/class", _answering(self._class)),
            Route("/api/renew", _answering(self._refresh), methods=["POST"]),
            Route("/api/criteria/{criterion}", _answering(self._criterion)),
            Route("/api/criteria/{criterion}/comments", _answering(self._add_comment),
                  methods=["POST"]),
            Route("/api/criteria/{criterion}/options", _answering(self._edit_option),
                  methods=["POST"]),
            *[
                Route(f"/api/answers/{{criterion}}/{{key}}{path}", _answering(handler),
                      methods=[verb])
                for path, handler, verb in (
                    ("", self._show, "GET"),
                    ("/draft", self._draft, "PUT"),
                    ("/mark", self._save, "POST"),
                    ("/dispute", self._dispute, "POST"),
                    ("/undo", self._undo, "POST"),
                )
            ],
        ]
        return AuthMiddleware(Starlette(routes=routes), self.token, port)

    def _class(self, path: Json, body: Any) -> Json:
        about = {"title": self.service.title, "marker": self._marker(path), "names": self.names}
        return about | payloads.class_payload(self.service, names=self.names)

    def _refresh(self, path: Json, body: Any) -> Json:
        return {"message": self.refresh()}

    def _criterion(self, path: Json, body: Any) -> Json:
        criterion = self._find_criterion(path)
        return payloads.criterion_payload(
            self.service, criterion, self._marker(path), names=self.names
        )

    def _add_comment(self, path: Json, body: Any) -> Json:
        new, criterion = NewComment.model_validate(body), self._find_criterion(path)
        self.service.store.add_comment(SavedComment(
            criterion.id, new.item.text, new.points, self._marker(path), new.replaces
        ))
        return self._criterion(path, body)

    def _edit_option(self, path: Json, body: Any) -> Json:
        new, criterion = NewOption.model_validate(body), self._find_criterion(path)
        offered = {_as_shown(one): one for one in self.service.store.options(criterion)}
        seen = Item(new.was.points, new.was.text) if new.was else None
        was = offered.get(seen, seen) if seen else None
        now = new.now.item if new.now and new.now.item.text else None
        edit = OptionEdit(criterion.id, self._marker(path), was, now)
        self.service.change_option(criterion, edit)
        return self._criterion(path, body)

    def _show(self, path: Json, body: Any) -> Json:
        return self._payload(path, self._answer(path))

    def _draft(self, path: Json, body: Any) -> Json:
        draft = json.dumps(body) if body else ""
        if len(draft) > _LONGEST_DRAFT:
            raise NotAllowed("the draft is too long to be saved")
        self.drafts.put(self._marker(path), _draft_key(self._answer(path)), draft)
        return {}

    def _save(self, path: Json, body: Any) -> Json:
        wanted = Save.model_validate(body)
        answer = self._unchanged(path, wanted)
        criterion, store = answer.criterion, self.service.store
        known = {one.number: Item(one.points, one.text) for one in store.comments(criterion.id)}
        chosen = [Item(one.points, one.text) for one in wanted.options]
        offered = {_as_shown(one): one for one in store.options(criterion)}
        if not {*chosen} <= {*offered} or not {*wanted.comments} <= {*known}:
            raise NotAllowed("an option or a saved comment no longer exists: reload the page")
        items = [offered[one] for one in chosen] + [known[number] for number in wanted.comments]
        lines = [NewLine(one.file, one.line, plain(one.text)) for one in wanted.lines]
        new = NewMark(
            wanted.points, tuple(items), plain(wanted.comment), plain(wanted.note), tuple(lines)
        )
        also = [(self._unchanged({**path, "key": one.key}, one), one.seen) for one in wanted.also]
        found = self.service.mark(answer, self._marker(path), new, wanted.seen, also)
        self.drafts.put(self._marker(path), _draft_key(answer), "")
        return self._payload(path, found)

    def _dispute(self, path: Json, body: Any) -> Json:
        wanted = Dispute.model_validate(body)
        answer = self._unchanged(path, wanted)
        note = plain(wanted.note)
        found = self.service.dispute(answer, self._marker(path), note, wanted.seen)
        return self._payload(path, found)

    def _undo(self, path: Json, body: Any) -> Json:
        answer = self._unchanged(path, Undo.model_validate(body))
        return self._payload(path, self.service.undo(answer, self._marker(path)))

    def _marker(self, path: Json) -> str:
        """The name that the page gave, of one of several people at this server, or the server's."""
        return plain_line(unquote(path["marker"]), 60) or self.marker

    def _find_criterion(self, path: Json) -> Criterion:
        for one in self.service.criteria:
            if one.id == path["criterion"]:
                return one
        raise NotAllowed("the rubric has no such criterion")

    def _answer(self, path: Json) -> StudentAnswer:
        return self.service.answer(path["criterion"], path["key"])

    def _unchanged(self, path: Json, wanted: AnswerRequest) -> StudentAnswer:
        """The answer, if it is still the one that the marker sees. Raises NotAllowed."""
        answer = self._answer(path)
        if wanted.answer != answer.digest:
            raise NotAllowed(
                "the student has submitted another answer since: nothing was saved; reload the "
                "page"
            )
        return answer

    def _payload(self, path: Json, answer: StudentAnswer) -> Json:
        digest = str(answer.row.verdict.seen.get("sha256", ""))
        address = f"/pdf/{file_token(self.token, digest)}/{digest}"
        draft = self.drafts.of(self._marker(path), _draft_key(answer))
        return payloads.answer_payload(
            self.service, answer, draft, address, names=self.names
        )

    async def _pdf(self, request: Request) -> Response:
        """An answer's PDF, for a request with its token. Other kinds of files are never sent."""
        digest = request.path_params["digest"]
        if request.path_params["token"] != file_token(self.token, digest):
            return Response("No such file.", HTTPStatus.NOT_FOUND, media_type="text/plain")
        path = kept_pdf(self.service.out, digest)
        if not path.is_file():
            return Response("The file was removed.", HTTPStatus.NOT_FOUND, media_type="text/plain")
        with path.open("rb") as file:
            begins = file.read(1024)
        if _PDF not in begins:
            return Response("This file is not a PDF.", media_type="text/plain")
        headers = {"content-security-policy": FILE_POLICY,
                   "content-disposition": 'inline; filename="answer.pdf"'}
        return FileResponse(path, media_type="application/pdf", headers=headers)


async def _index(request: Request) -> Response:
    headers = {"content-security-policy": PAGE_POLICY}
    return FileResponse(_STATIC / "mark.html", media_type="text/html", headers=headers)


def _answering(handler: Callable[[Json, Any], Json]) -> Any:
    """An endpoint that passes a request's path and body to `handler` and answers with JSON."""

    async def answered(request: Request) -> Response:
        try:
            body = await request.json() if request.method != "GET" else None
            path = request.path_params | {"marker": request.headers.get(MARKER, "")}
            return JSONResponse(await run_in_threadpool(handler, path, body))
        except (ValidationError, json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            return _error("the request is not valid", HTTPStatus.UNPROCESSABLE_ENTITY)
        except NotAllowed as error:
            return _error(str(error), HTTPStatus.CONFLICT)
        except (GraderError, OSError) as error:
            return _error(str(error), HTTPStatus.INTERNAL_SERVER_ERROR)

    return answered


def _error(text: str, status: HTTPStatus) -> Response:
    return JSONResponse({"error": text}, status)


def _as_shown(item: Item) -> Item:
    return Item(item.points, plain(item.text))


def _draft_key(answer: StudentAnswer) -> str:
    return f"{answer.criterion.id} {answer.key} {answer.digest}"
