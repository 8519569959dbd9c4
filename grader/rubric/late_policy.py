"""The deadline of a homework and its extensions, as read-only models.

`grader.grading.late_penalty` computes what a late submission loses.
"""

from __future__ import annotations

import difflib
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from grader.rubric.base import Model, Share, rule
from grader.rubric.local_time import on_clock


def _time(value: Any) -> Any:
    """Refuses a date without a time, which would mean its first minute."""
    if isinstance(value, datetime) or (isinstance(value, str) and ":" in value):
        return value
    raise PydanticCustomError("time", "expected a date and a time, such as 2026-11-30 23:59")


def _form(value: Any) -> str:
    return "list" if isinstance(value, (list, tuple)) else "file"


Time = Annotated[datetime, BeforeValidator(_time), WithJsonSchema({"type": "string"})]


class Extension(Model):
    """More time for one student: a due date of their own, or days and hours beyond the deadline."""

    student: str = Field(min_length=1)
    due: Time | None = None
    days: float = Field(0, ge=0)
    hours: float = Field(0, ge=0)
    reason: str = Field("", description="for the instructor only; not shown to students")

    @model_validator(mode="after")
    def _one_of_two(self) -> Extension:
        if (self.due is None) == (self.days + self.hours == 0):
            raise ValueError("give either 'due', or 'days' and 'hours' of which one is above 0")
        return self


# A CSV file; `load` replaces it by the extensions that it lists.
Extensions = Annotated[
    Annotated[Path, Tag("file")] | Annotated[tuple[Extension, ...], Tag("list")],
    Discriminator(_form),
]


class Late(Model):
    """The late policy: a share of the score for each day begun, and everything after a limit."""

    due: Time = Field(description="with its offset from UTC, or in `zone`")
    zone: str | None = Field(None, description="for times without an offset: America/New_York")
    grace_minutes: float = Field(0, ge=0)
    per_day: Share = 0.1
    max_days: int = Field(5, ge=0, description="later than this earns nothing")
    until: Time | None = Field(None, description="a submission after this time earns nothing")
    extensions: Extensions = Field((), description="CSV: student, due or days or hours, reason")

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, name: str | None) -> str | None:
        known = available_timezones()
        if name is not None and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            guess = f"; did you mean '{close[0]}'?" if close else ""
            raise ValueError(f"there is no time zone '{name}'{guess}")
        return name

    @model_validator(mode="after")
    def _with_zone(self) -> Late:
        for name, time in (("due", self.due), ("until", self.until)):
            if time is None:
                continue
            if time.tzinfo is None and self.zone is None:
                raise rule("no time zone: write an offset, such as 2026-11-30T23:59:00-05:00, "
                           "or a key such as 'zone: America/New_York'", name)
            if time.tzinfo is not None and self.zone is not None:
                there = time.astimezone(ZoneInfo(self.zone))
                if there.utcoffset() != time.utcoffset():
                    raise rule(f"the offset of {self.zone} at that time is {there:%z}, not "
                               f"{time:%z}; leave the offset out", name)
        if self.until is not None and self.moment(self.until) < self.moment(self.due):
            raise rule("it is before 'due'", "until")
        for index, one in enumerate(self.granted):
            if self.is_shortened_by(one):
                raise rule("it is before the deadline of the class", "extensions", index, "due")
        return self

    def is_shortened_by(self, extension: Extension) -> bool:
        """True if the extension ends before the deadline, which must be a mistake in its date."""
        own = extension.due
        return own is not None and self.moment(own) < self.moment(self.due)

    def moment(self, time: datetime) -> datetime:
        """A time of the rubric or of an extension, in the time zone of the course."""
        zone: tzinfo | None = self.due.tzinfo if self.zone is None else ZoneInfo(self.zone)
        assert zone is not None
        return on_clock(time, zone) if time.tzinfo is None else time.astimezone(zone)

    @property
    def granted(self) -> tuple[Extension, ...]:
        """The extensions; empty until `load` has read their file."""
        return () if isinstance(self.extensions, Path) else self.extensions
