"""A script is run a second time only if it missed something that may explain how it ended."""

from __future__ import annotations

import pytest

from grader.worker.environment.home import GPU, IMAGES, Home

PLACE = "hw2.py, line 3: ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("missed", "error", "again"),
    [
        ({GPU}, SystemExit(1), {GPU}),
        ({GPU}, RuntimeError("this needs a GPU"), {GPU}),
        ({GPU}, NameError("name 'model' is not defined"), {GPU}),
        ({GPU}, TypeError("f() takes 1 argument"), set()),
        ({GPU}, SyntaxError("invalid syntax"), set()),
        ({IMAGES}, ZeroDivisionError("division by zero"), {IMAGES}),
        ({IMAGES}, AssertionError(), {IMAGES}),
        ({IMAGES}, IndexError("index 45000 is out of bounds"), {IMAGES}),
        ({IMAGES}, TypeError("f() takes 1 argument"), set()),
        ({GPU, IMAGES}, AssertionError(), {GPU, IMAGES}),
        (set(), SystemExit(1), set()),
        (set(), ZeroDivisionError("division by zero"), set()),
    ],
)
def test_a_second_run_pretends_what_may_explain_the_error(
    missed: set[str], error: BaseException, again: set[str]
) -> None:
    home = Home(missed=missed)
    assert home.reason(error, PLACE, "") == ""
    assert home.again == again
    assert home.worth_a_second_run({"value": None}) is bool(again)


def test_code_that_ends_without_a_result_is_run_again_only_if_it_asked_for_a_gpu() -> None:
    with_gpu, without = Home(missed={GPU, IMAGES}), Home(missed={IMAGES})
    with_gpu.ended()
    without.ended()
    assert (with_gpu.again, without.again) == ({GPU}, set())


def test_a_script_that_needs_a_gpu_and_images_gets_a_third_run() -> None:
    second = Home(missed={GPU, IMAGES})
    second.begin({"pretend": [GPU], "error": "SystemExit: a GPU is needed"})
    assert second.reason(AssertionError(), "hw2.py, line 9: AssertionError", "") == ""
    assert IMAGES in second.again and second.worth_a_second_run({"value": None})


def test_an_error_that_comes_again_in_its_place_is_the_students() -> None:
    second = Home(missed={IMAGES})
    second.begin({"pretend": [IMAGES], "error": PLACE})
    assert second.reason(ZeroDivisionError(), PLACE, "") == ""
    assert second.reason(StopIteration(), "hw2.py, line 9: StopIteration", "") == IMAGES
    assert second.reason(TypeError(), "hw2.py, line 9: TypeError", "") == ""
    assert not second.worth_a_second_run({"value": None})


def test_a_training_that_was_evaluated_is_not_run_again() -> None:
    home = Home(missed={IMAGES})
    home.reason(ZeroDivisionError(), PLACE, "")
    trained = {"kind": "train", "after_steps": 0}
    evaluated = {"kind": "evaluate", "after_steps": 19}
    assert home.worth_a_second_run({"value": {"runs": [trained]}})
    assert not home.worth_a_second_run({"value": {"runs": [trained, evaluated]}})
