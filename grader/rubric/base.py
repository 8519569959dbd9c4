"""What everything in a rubric is made of, and how a broken rule gets its line into the error."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Share = Annotated[float, Field(ge=0, le=1)]


def rule(text: str, *place: str | int) -> PydanticCustomError:
    """A rule is broken at `place` of the model that is validated: its line goes into the error."""
    return PydanticCustomError("rule", "{text}", {"text": text, "place": place})


class Model(BaseModel):
    """Base of everything in a rubric: read-only, and a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
