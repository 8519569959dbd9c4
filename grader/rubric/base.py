"""The base model of everything in a rubric, and errors that name a place in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Share = Annotated[float, Field(ge=0, le=1)]


def rule(text: str, *place: str | int) -> PydanticCustomError:
    """The error of a broken rule at `place` of the model; `load` adds the line of that place."""
    return PydanticCustomError("rule", "{text}", {"text": text, "place": place})


class Model(BaseModel):
    """Base class for parameters of checks, and for everything else in a rubric.

    Fields are declared as in pydantic: `name: type = default`. Instances are read-only, and an
    unknown key is an error.
    """

    # "model_answer" is a key of a criterion.
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
