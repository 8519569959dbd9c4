"""A homework with a secret of every kind, and the words by which each of them would be known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.factories import write_files

ROOT = Path(__file__).parent.parent.parent.parent
CLASSES = ("cat", "dog")
SIDE = 8

RUBRIC = """\
title: "A homework with secrets"
reference: reference
starter: starter
handouts: handouts
validation: validation
checks: checks.py
total: 22
cap: 22
profile: quick
profiles:
  quick:
    data:
      source: imagefolder
      path: images
      validation: 6
      hidden: {held_out: 8}
      seed: 918273645
    epochs: 1
    seconds: 30
    thresholds: [{accuracy: 0.5, share: 1.0}]
    calibration:
      date: "2026-11-28"
      method: "normal on the scale of arcsin sqrt"
      risk: 0.001
      confidence: 0.95
      found: "full credit at 50 % fails a right solution in 17 of 1000 runs"
      epochs: 1
      hidden: 8
      data: "digest-of-the-data"
      hardware: {"processor": "Calibrating Machine"}
      versions: {"torch": "2.6"}
      seeds: [4711, 4712]
      runs: [{solution: "reference", digest: "0badc0ffee", correct: [7, 8], seconds: [1, 2]}]
  exam:
    data: {source: digits}
    epochs: 77
    seconds: 7700
    thresholds: [{accuracy: 0.987654, share: 1.0}]
criteria:
  - {id: layers, title: "Layers are counted", part: "1", points: 3, check: layer_counts}
  - {id: squares, title: "Squares are right", part: "2", points: 4, check: pytest,
     file: test_squares.py}
  - {id: doubles, title: "Doubles are right", part: "3", points: 5, check: doubles, most: 12}
  - {id: written, title: "Why", part: "4", points: 1, check: written, answer: a}
  - {id: nobody-knows, title: "What nobody is told about", part: "5", points: 4, check: triples,
     visibility: hidden}
  - {id: afterwards, title: "What is told afterwards", part: "6", points: 5, check: layer_counts,
     visibility: after_due}
"""

CHECKS = '''\
"""Three kinds of numbers; the triples are for the exam."""

from grader.checks.custom.api import Check, Model, NoParams, answer, graded, probe

MOST = 12
# The factor that the exam asks for.
EXAM_FACTOR = 3


class Most(Model):
    most: int = MOST


@probe
def doubled(student, number):
    return student.call("double", number)


@probe
def tripled(student, number):
    return student.call("triple", number)


def ask_doubles(criterion, exam, limits):
    return [doubled.question("doubles", limits.seconds, number=criterion.params.most)]


def judge_doubles(criterion, work, key):
    return graded(criterion, float(answer(work, "doubles") == 2 * criterion.params.most), "Told.")


def ask_triples(criterion, exam, limits):
    return [tripled.question("triples", limits.seconds, number=7)]


def judge_triples(criterion, work, key):
    return graded(criterion, float(answer(work, "triples") == 7 * EXAM_FACTOR), "Secretly told.")


DOUBLES = Check("doubles", Most, ask_doubles, judge_doubles)
TRIPLES = Check("triples", NoParams, ask_triples, judge_triples)
'''

TESTS = '''\
"""Squares, and what the exam asks about them."""

import pytest

EXAM_NUMBERS = (13131, 13137)


def square_of(student, number):
    return student.call("square", number)


def exam_square(student, number):
    return square_of(student, number)


def test_three(student):
    """Three squared is nine."""
    assert square_of(student, 3) == 9


@pytest.mark.points(2)
@pytest.mark.hidden
def test_of_the_exam(student):
    """Large numbers of the exam are squared as well."""
    for number in EXAM_NUMBERS:
        assert exam_square(student, number) == number * number
'''

SOLUTION = '''\
import torchvision


def layer_parameter_counts(network):
    reference_only_counts = {}
    for where, parameter in network.named_parameters():
        layer_of_the_reference = where.rpartition(".")[0]
        reference_only_counts.setdefault(layer_of_the_reference, 0)
        reference_only_counts[layer_of_the_reference] += parameter.numel()
    return reference_only_counts


def square(number):
    return number * number


def double(number):
    return number + number


def triple(number):
    return number + number + number
'''

# By what each secret would be known, whatever it is packed in.
SECRETS = {
    "the reference": ("reference_only_counts", "layer_of_the_reference"),
    "hidden criteria": ("nobody-knows", "What nobody is told about", "triples", "tripled",
                        "judge_triples", "EXAM_FACTOR", "factor that the exam", "Secretly told"),
    "criteria of later": ("afterwards", "What is told afterwards"),
    "hidden tests": ("test_of_the_exam", "Large numbers of the exam", "EXAM_NUMBERS", "13131",
                     "exam_square", "what the exam asks"),
    "seeds": ("918273645", "4711"),
    "calibration": ("17 of 1000 runs", "Calibrating Machine", "0badc0ffee", "digest-of-the-data"),
    "other profiles": ("0.987654", "7700"),
    "marks of samples": ("loses-the-biases", "a sample that forgets"),
    "wrong work": ("mutant_of_ours",),
}  # fmt: skip


def write(folder: Path) -> Path:
    """All of it, with images; returns the rubric."""
    texts = {
        "rubric.yaml": RUBRIC, "checks.py": CHECKS, "test_squares.py": TESTS,
        "reference/hw.py": SOLUTION, "starter/hw.py": "def square(number):\n    ...\n",
        "starter/answers.md": "## (a)\n", "handouts/given.py": "GIVEN = 1\n",
        "validation/cases.yaml": "variants: []\nmutants: []\n",
        "validation/mutant.py": "mutant_of_ours = 1\n",
        "submissions/expected.yaml": "loses-the-biases: {about: a sample that forgets}\n",
    }  # fmt: skip
    write_files(folder, texts)
    random = np.random.default_rng(0)
    for part, count in (("train", 20), ("test", 14)):
        for number in range(count):
            place = folder / "images" / part / CLASSES[number % 2]
            place.mkdir(parents=True, exist_ok=True)
            pixels = random.integers(256, size=(SIDE, SIDE, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / f"{number}.png")
    return folder / "rubric.yaml"
