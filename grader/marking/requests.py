"""What the marking page sends, validated: nothing else in a request is accepted."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from grader.grading.marks import Item
from grader.marking.new_marks import LONGEST_COMMENT
from grader.text import plain

Text = Annotated[str, Field(max_length=LONGEST_COMMENT)]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class AnswerRequest(Request):
    """A request on the answer with the digest `answer`, of which the marker sees version `seen`."""

    answer: str
    seen: int = Field(ge=0)


class Choice(Request):
    points: float = Field(ge=-1000, le=1000, multiple_of=0.25)
    text: Text

    @property
    def item(self) -> Item:
        return Item(self.points, plain(self.text).strip())


class Line(Request):
    file: int = Field(ge=0)   # its place among the answer's files, from 0
    line: int = Field(ge=1)
    text: Text


class Identical(AnswerRequest):
    key: str


class Save(AnswerRequest):
    points: float
    options: list[Choice] = Field([], max_length=50)
    comments: list[int] = Field([], max_length=50)   # their numbers
    comment: Text = ""
    note: Text = ""
    lines: list[Line] = Field([], max_length=50)
    also: list[Identical] = Field([], max_length=2000)


class Dispute(AnswerRequest):
    note: Text


class Undo(AnswerRequest):
    pass


class NewComment(Choice):
    replaces: int = 0


class NewOption(Request):
    was: Choice | None = None
    now: Choice | None = None
