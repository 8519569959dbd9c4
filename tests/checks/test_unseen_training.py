"""An accuracy is a person's if the network was trained by more than was seen."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.unseen_training import doubt

HONEST = {"astray": 0.0, "times": 0, "gradients": 0, "backward_passes": 470, "images": 30000}


def reported(**unseen: Any) -> dict[str, Any]:
    return {"steps": 470, "unseen": HONEST | unseen}


@pytest.mark.parametrize(
    "honest",
    [
        {"steps": 470},
        reported(),
        reported(astray=0.2, times=470),                   # weight decay by hand
        reported(gradients=25, backward_passes=10),        # a few pictures
        reported() | {"used": 60 + 10 + 20},               # patience, and a slow last evaluation
        reported(gradients=100),                           # a picture in every fifth step
    ],
)  # fmt: skip
def test_honest_work_has_no_doubt(honest: dict[str, Any]) -> None:
    assert doubt(honest, 60) == ""


@pytest.mark.parametrize(
    ("unseen", "words"),
    [
        ({"astray": 120.7, "times": 1}, "that were seen, 1.2e+02 times as far as they, once"),
        ({"astray": 0.6, "times": 30}, "0.6 times as far as they, 30 times"),
        ({"astray": "nan", "times": 2}, "470 steps that were seen, 2 times"),
        ({"gradients": 3249}, "3,249 times without a call of the network, and 470 times with one"),
    ],
)
def test_training_that_was_not_seen_is_told_with_its_figures(
    unseen: dict[str, Any], words: str
) -> None:
    assert words in doubt(reported(**unseen), 60)


def test_seconds_beyond_the_budget_are_counted_outside_of_the_process() -> None:
    found = doubt(reported() | {"used": 100.4}, 60)
    assert "used 100 seconds, as they were counted outside of its process, where 60" in found
