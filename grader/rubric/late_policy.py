"""When a homework is due: for everybody, and for those who were given more time. Read-only models.

`late.py` says what it costs to be later.
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
    """A date alone would be taken for its first minute, which nobody means."""
    if isinstance(value, datetime) or (isinstance(value, str) and ":" in value):
        return value
    raise PydanticCustomError("time", "expected a date and a time, such as 2026-11-30 23:59")


def _form(value: Any) -> str:
    return "list" if isinstance(value, (list, tuple)) else "file"


Time = Annotated[datetime, BeforeValidator(_time), WithJsonSchema({"type": "string"})]


class Extension(Model):
    """More time for a student: until a time, or so much longer than everybody has."""

    student: str = Field(min_length=1)
    due: Time | None = None
    days: float = Field(0, ge=0)
    hours: float = Field(0, ge=0)
    reason: str = Field("", description="for the instructor: it is on no page")

    @model_validator(mode="after")
    def _one_of_two(self) -> Extension:
        if (self.due is None) == (self.days + self.hours == 0):
            raise ValueError("give either 'due', or 'days' and 'hours' of which one is above 0")
        return self


# A file of them; once the rubric is read, what stands in it.
Extensions = Annotated[
    Annotated[Path, Tag("file")] | Annotated[tuple[Extension, ...], Tag("list")],
    Discriminator(_form),
]


class Late(Model):
    """A submission that is late loses `per_day` of its score for every day begun, then all."""

    due: Time = Field(description="with its offset from UTC, or by the clock of `zone`")
    zone: str | None = Field(None, description="such as America/New_York, of times without offset")
    grace_minutes: float = Field(0, ge=0)
    per_day: Share = 0.1
    max_days: int = Field(5, ge=0, description="later than this many days earns nothing")
    until: Time | None = Field(None, description="later than this earns nothing")
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
                raise rule("a time zone is missing, such as in 2026-11-30T23:59:00-05:00, or "
                            "'zone: America/New_York' beside it", name)
            if time.tzinfo is not None and self.zone is not None:
                there = time.astimezone(ZoneInfo(self.zone))
                if there.utcoffset() != time.utcoffset():
                    raise rule(f"{self.zone} is at {there:%z} then, and not at {time:%z}; leave "
                                "the offset out", name)
        if self.until is not None and self.moment(self.until) < self.moment(self.due):
            raise rule("it is before 'due'", "until")
        for index, one in enumerate(self.granted):
            if self.is_shortened_by(one):
                raise rule("it is before everybody's", "extensions", index, "due")
        return self

    def is_shortened_by(self, extension: Extension) -> bool:
        """Whether it takes time away, as a slip in a date does: nobody means that."""
        own = extension.due
        return own is not None and self.moment(own) < self.moment(self.due)

    def moment(self, time: datetime) -> datetime:
        """A time of the rubric or of its extensions, on the clock of the course."""
        zone: tzinfo | None = self.due.tzinfo if self.zone is None else ZoneInfo(self.zone)
        assert zone is not None
        return on_clock(time, zone) if time.tzinfo is None else time.astimezone(zone)

    @property
    def granted(self) -> tuple[Extension, ...]:
        return () if isinstance(self.extensions, Path) else self.extensions
