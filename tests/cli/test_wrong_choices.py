"""An option that cannot be meant is refused with what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.cli.app import cli
from grader.errors import GraderError

ROOT = Path(__file__).parent.parent.parent
CURVE = ROOT / "examples" / "curve" / "rubric.yaml"


@pytest.mark.parametrize("command", ["run submissions", "validate", "check hw.py", "calibrate"])
@pytest.mark.parametrize(
    ("rubric", "words"),
    [
        (ROOT / "rubric.yaml", "there is no profile 'nosuch' (allowed: full, quick)"),
        (CURVE, "there is no profile 'nosuch': this rubric has no profiles"),
    ],
)
def test_a_profile_that_is_not_there_is_refused(command: str, rubric: Path, words: str) -> None:
    with pytest.raises(GraderError) as told:
        cli.main([*command.split(), "--rubric", str(rubric), "--profile", "nosuch"],
                 standalone_mode=False)
    assert words in str(told.value)


def test_a_rubric_without_thresholds_has_nothing_to_calibrate() -> None:
    with pytest.raises(GraderError, match="`grader calibrate` needs one with `check: accuracy"):
        cli.main(["calibrate", "--rubric", str(CURVE)], standalone_mode=False)
