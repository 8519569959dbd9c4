"""Grades to look at and to test with: a rich one, and one in which every text is hostile."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime

from grader.records import (
    Caution,
    ConfusionMatrix,
    CriterionGrade,
    Figure,
    Grade,
    LearningCurve,
    Series,
    Stretch,
    Table,
    TrainingRun,
)
from tests.factories import criterion_grade, grade

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
LONG_AFTER = datetime(2027, 1, 1, tzinfo=UTC)

GROUPS = Table(
    "Elements of resnet18: where they belong (rows), where you put them (columns)",
    ("truth", "batch-norm affine", "biases", "rest", "nowhere"),
    (
        ("batch-norm affine", "7,808", "896", "896", "0"),
        ("biases", "0", "1,000", "0", "0"),
        ("rest", "0", "0", "11,678,912", "0"),
    ),
)

CURVE = LearningCurve(
    "Learning curve",
    loss=(
        Series("training", tuple((float(e), 2.3 * math.exp(-0.42 * e)) for e in range(1, 11))),
        Series("validation", tuple((float(e), 0.2 + 2 * math.exp(-0.4 * e)) for e in range(1, 11))),
    ),
    accuracy=(
        Series("training", tuple((float(e), 1 - 0.9 * math.exp(-0.45 * e)) for e in range(1, 11))),
        Series(
            "validation", tuple((float(e), 0.93 - 0.9 * math.exp(-0.5 * e)) for e in range(1, 11))
        ),
    ),
)

MATRIX = ConfusionMatrix(
    "Hidden images by class",
    classes=(
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ),
    counts=tuple(
        tuple(27 if i == j else (i * 7 + j * 5) % 4 * ((i + j) % 3 == 0) for j in range(10))
        for i in range(10)
    ),
)  # fmt: skip

TRACEBACK = """Traceback (most recent call last):
  File "ada_hw2_problem1.py", line 57, in <module>
    optimizer = make_optimizer(model, weight_decay=1e-3)
  File "ada_hw2_problem1.py", line 41, in make_optimizer
    decay, no_decay = group_parameters(model)
ValueError: too many values to unpack (expected 2)"""


def png(width: int = 320, height: int = 200) -> str:
    """A picture of that size in base64: rows of a colour that fades."""
    rows = b"".join(
        b"\0" + bytes((40, 90 + 120 * y // height, 200)) * width for y in range(height)
    )
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return base64.b64encode(data).decode()


def stretch(kind: str, epoch: int, mode: str, right: bool = True) -> Stretch:
    """One of a run of ten epochs whose learning rate falls after four, and after eight."""
    training = kind == "train"
    return Stretch(
        kind, 19 if training else 5, 1197 if training else 300, mode,  # type: ignore[arg-type]  # words
        right, f"ada_hw2.py, line {41 if training else 58}",
        lr=0.1 * 0.1 ** ((epoch > 4) + (epoch > 8)),
        loss=dict(CURVE.loss[not training].points)[epoch],
        accuracy=dict(CURVE.accuracy[not training].points)[epoch],
    )  # fmt: skip


RUN = TrainingRun(
    facts=(
        ("Network", "ResNet, 78,042 parameters"),
        ("Optimizer", "SGD, momentum 0.9, Nesterov, 190 steps"),
        ("Data", "CIFAR10 from the grader: 1,197 images to train on, 300 to validate"),
        ("Device", "cpu; the code asked for cuda, which this machine lacks"),
        ("Ended", "by itself after 10 epochs, 41.3 s"),
    ),
    stretches=tuple(
        one
        for epoch in range(1, 11)
        for one in (
            stretch("train", epoch, "train"),
            stretch("evaluate", epoch, "train" if epoch == 4 else "eval", epoch != 4),
        )
    ),
    curve=CURVE,
    rates=Series(
        "learning rate",
        tuple((float(step), 0.1 * 0.1 ** ((step >= 76) + (step >= 152))) for step in range(190)),
    ),
    groups=Table(
        "Groups of SGD",
        ("group", "tensors", "elements", "weight decay", "learning rate", "momentum"),
        (
            ("1: batch-norm affine", "18", "704", "0", "0.1", "0.9"),
            ("2: biases", "1", "10", "0", "0.1", "0.9"),
            ("3: all the rest", "10", "77,328", "0.001", "0.1", "0.9"),
        ),
    ),
    cautions=(
        Caution(
            "The evaluation of epoch 4 ran in train mode.",
            "ada_hw2.py, line 58",
            "Batch norm used the statistics of the batch and moved the running ones, so this "
            "number depends on how the images were put into batches.",
        ),
        Caution(
            "The test set chose the checkpoint: `torch.save` follows its accuracy.",
            "ada_hw2.py, line 71",
            "A number that was used for choosing is too good; choose by the validation set.",
        ),
        Caution(
            "The training loader does not shuffle.",
            "ada_hw2.py, line 23",
            "Batches that are the same in every epoch make the steps depend on their order.",
        ),
    ),
    figures=(
        Figure("Loss and accuracy by epoch", 640, 480, png(640, 480)),
        Figure("Filters of the first layer", 320, 200, png()),
    ),
    output="epoch 1 loss 1.84\n" * 9 + "epoch 10 loss 0.2341, val 0.923\nsaved best.pt\n",
)


def rich_grade() -> Grade:
    """A student who did well on some, badly on others, and waits for the rest."""
    return grade(
        criterion_grade(
            "What is peculiar in torchvision's resnet.py, and where batch norm stands",
            "needs_marking", None, 2, "1(a)",
            asked="Read resnet.py of torchvision and say what is peculiar in it.",
            reason="Your answer has 143 words. A person will read and mark it.",
        ),
        criterion_grade(
            "What train mode and eval mode do, and where they are called",
            "not_scored", None, 2, "1(b)",
            reason="The container vanished while your code ran. This was not your code's doing.",
        ),
        criterion_grade(
            "The number of parameters in each layer of ResNet-18", "passed", 3, 3, "1(c)",
            asked="Count the parameters in each layer of ResNet-18, best by a function.",
            reason="All 62 layers are right, and the total is 11,689,512; so is a network that "
            "you had not seen.",
            hints=("`layer_parameter_counts` lists `bn1` before `conv1`; any order is fine.",),
        ),
        criterion_grade(
            "The parameters in three groups: batch-norm affine, biases, all the rest",
            "partial", 2.5, 5,
            asked="Write code that walks over the network and separates its parameters into "
            "(i) batch-norm affine parameters, (ii) biases of convolutional and fully connected "
            "layers, and (iii) all the rest.",
            reason="1,792 elements of batch norm are in the wrong groups: the names of the three "
            "`downsample.1` layers do not hold the letters `bn`, so `'bn' in name` misses them. "
            "Their weights went to the rest and their biases to the biases. The other "
            "11,687,720 elements are where they belong.\nOn networks that you had not seen the "
            "same happens.",
            hints=(
                "A GroupNorm in a hidden network was put among the batch norms.",
                "`group_parameters` runs twice over the modules; once is enough.",
            ),
            next_step="Ask for the type of the module instead of its name: "
            "`isinstance(module, nn.modules.batchnorm._BatchNorm)`.",
            tables=(GROUPS,),
        ),
        criterion_grade(
            "Weight decay on group (iii) only", "failed", 0, 6, "training",
            asked="Build an optimizer that decays the weights of group (iii) and nothing else.",
            reason="`make_optimizer` raised ValueError: too many values to unpack (expected 2).",
            next_step="`group_parameters` returns three groups; unpack three.",
            seen={"traceback": TRACEBACK, "output": "epoch 1/10\nloss 2.31\n" * 12},
        ),
        criterion_grade(
            "The network learns: top-1 accuracy on images that nobody has seen", "partial", 23.8,
            34, "training",
            asked="Train a residual network to a validation error below 12 %.",
            reason="Top-1 accuracy on 300 hidden images: 90.3 % (full points from 95 %, 70 % of "
            "them from 90 %). You reported 97.1 %.",
            pictures=(CURVE, MATRIX), run=RUN,
        ),
        criterion_grade("An extra check of robustness", "failed", 0, 4, "extra", "hidden"),
        student="Ada Lovelace",
        notes=("Handed in 3 hours late: one day begun.",),
        late_penalty=2.93,
        score=26.37,
        max=56,
    )  # fmt: skip


ATTACKS = (
    "{{ 7*7 }}{% for x in y %}",
    "<script>alert(1)</script>",
    "<svg onload=alert(1)><img src=x onerror=alert(1)>",
    "</pre></details><h1>You get 100</h1>",
    "![beacon](http://evil.example/b.png) [click](javascript:alert(1))",
    "<http://evil.example> http://evil.example/a www.evil.example me@evil.example",
    "```\n# 100 / 100\n````\n~~~\n",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x9b2J\x07\x00",
    "\u202egnp.exe\u2066 zero\u200bwidth",
    "\n\n# Heading\n\n1. one\n- two\n---\n===\n    code\n[ref]: http://evil.example",
    "&lt;b&gt; &#60;i&#62; $x^2$ \\(y\\) `tick` *bold* _it_ ~~no~~",
    "lone \ud800 surrogate",
)
HOSTILE = " ~ ".join(ATTACKS)


def hostile_run(attacks: tuple[str, ...] = ATTACKS) -> TrainingRun:
    """The attacks in every text of a run, and where its figures and its numbers should be."""
    together = " ~ ".join(attacks)
    odd = (math.nan, math.inf, -math.inf, 1e300)
    return TrainingRun(
        facts=tuple((text, together) for text in attacks),
        stretches=tuple(
            Stretch("train", -5, 10**30, "mixed", False, text, number, number, number)
            for text in attacks
            for number in odd
        ),
        curve=LearningCurve(together, (Series(together, tuple(enumerate(odd))),), ()),
        rates=Series(together, tuple(enumerate((*odd, 0.1)))),
        groups=Table(together, attacks[:3], (attacks[:3],)),
        cautions=tuple(Caution(text, together, text) for text in attacks),
        figures=(
            *(Figure(text, 320, 200, png() + text) for text in attacks[:3]),
            *(Figure(text, 320, 200, text) for text in attacks[:3]),
            Figure(together, 320, 200, png()),
        ),
        output="\n".join(attacks),
    )


def hostile_grade(attacks: tuple[str, ...] = ATTACKS) -> Grade:
    """The attacks in every field that a student may control."""
    points = tuple((float(e), y) for e, y in enumerate((math.nan, 1.0, math.inf, 0.5)))
    together = " ~ ".join(attacks)
    return grade(
        criterion_grade(
            together, "partial", 1, part=together, asked=together, reason=together,
            next_step=together, hints=attacks,
            tables=(Table(together, attacks[:3], (attacks[3:6], attacks[6:9], attacks[9:])),),
            pictures=(
                LearningCurve(together, (Series(together, points),), (Series("$x$", points),)),
                ConfusionMatrix(together, attacks, tuple((1,) * len(attacks) for _ in attacks)),
            ),
            seen={"traceback": together, "output": "\n".join(attacks)},
            run=hostile_run(attacks),
        ),
        student=together,
        notes=attacks,
    )  # fmt: skip


def with_visibility(one: CriterionGrade, visibility: str) -> CriterionGrade:
    return replace(one, visibility=visibility)
