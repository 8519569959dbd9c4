"""A student's output is passed on, recorded, and searched for numbers."""

from __future__ import annotations

import io
import sys

import pytest

from grader.worker.values import printed
from grader.worker.values.printed import MAX_CHARACTERS, RecordedOutput, recording

LAYERS = {
    "conv1", "bn1", "layer1.0.conv1", "fc", "conv1.weight", "bn1.weight", "bn1.bias", "a", "b",
    "c", "d", "e", "f", "g", "h",
}
TABLE = {
    "conv1.weight": 9408, "bn1.weight": 64, "bn1.bias": 64, "layer1.0.conv1": 36864, "a": 1, "b": 2,
    "c": 3, "d": 4, "e": 5,
}


def numbers(text: str) -> list[tuple[str, int]]:
    return [(row["name"], row["value"]) for row in printed.numbers(text)]


def tables(text: str) -> list[list[list[object]]]:
    return [row["pairs"] for row in printed.tables(text, LAYERS)]


def test_output_is_passed_on_and_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    with recording() as output:
        print("bn:", 9600)
        sys.stdout.flush()
    print("later")
    assert output.text == "bn: 9600\n"
    assert capsys.readouterr().out == "bn: 9600\nlater\n"


def test_the_stream_comes_back_after_an_exception() -> None:
    before = sys.stdout
    with pytest.raises(ValueError, match="oh"), recording():
        raise ValueError("oh")
    assert sys.stdout is before


def test_beginning_and_end_of_a_flood_are_recorded() -> None:
    stream = io.StringIO()
    output = RecordedOutput(stream)
    for line in ("begin\n", "x" * MAX_CHARACTERS, *["y" * 50_000] * 40, "end\n"):
        output.write(line)
    assert output.text.startswith("begin\n") and output.text.endswith("end\n")
    assert len(output.text) < 4 * MAX_CHARACTERS
    assert len(stream.getvalue()) > 2_000_000


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("bn params: 9,600", [("bn params", 9600)]),
        ("biases = 1000", [("biases", 1000)]),
        ("BN: 9600 | bias: 1000 | rest: 11_678_912",
         [("BN", 9600), ("bias", 1000), ("rest", 11678912)]),
        ("9600 1000 11678912", [("", 9600), ("", 1000), ("", 11678912)]),
        ("[9600, 1000, 11678912]", [("", 9600), ("", 1000), ("", 11678912)]),
        ("9600,1000,11678912", [("", 9600), ("", 1000), ("", 11678912)]),
        ("(tensor(9600), np.int64(1000))", [("", 9600), ("", 1000)]),
        ("{'bn': 9600, 'bias': 1000}", [("bn", 9600), ("bias", 1000)]),
        ("9600 bn, 1000 bias", [("bn", 9600), ("bias", 1000)]),
        ("bn/bias/other: 9600 / 1000 / 5", [("bn", 9600), ("bias", 1000), ("other", 5)]),
        ("bn  bias  rest\n9600 1000 5", [("bn", 9600), ("bias", 1000), ("rest", 5)]),
        ("batch norm | bias\n9600 | 1000", [("batch norm", 9600), ("bias", 1000)]),
        ("BN parameters:\n9600\nbiases:\n1000", [("BN parameters", 9600), ("biases", 1000)]),
        ("Counts:\n9600\n1000\n5", [("", 9600), ("", 1000), ("", 5)]),
        ("Group 1: 9600", [("Group #1", 9600)]),
        ("2) biases 1000", [("#2) biases", 1000)]),
        ("(ii) 1000", [("ii", 1000)]),
        ("bn: 40 tensors, 9600 elements (0.1%)", [("bn: 40 tensors", 9600)]),
        ("conv1.weight torch.Size([64, 3, 7, 7]) 9408", [("conv1.weight", 9408)]),
        ("bn1.weight (64,) 64 ", [("bn1.weight", 64)]),
        ("fc ( 1000, 512 ): 512000", [("fc", 512000)]),
        ("\x1b[32mbn: 9600\x1b[0m", [("bn", 9600)]),
        ("Total 11689512.", [("Total", 11689512)]),
        ("bn: 9600\r\nbias: 1000", [("bn", 9600), ("bias", 1000)]),
        ("", []),
        ("loss 0.5, accuracy 12.50%, lr 1e-3", []),
        ("resnet18 v1.2.3, 2020-01-02, -5", []),
        ("9" * 40, []),
    ],
)
def test_a_number_is_named_by_the_text_beside_it(line: str, rows: list[tuple[str, int]]) -> None:
    assert numbers(line) == rows


def test_numbers_have_the_line_of_the_output() -> None:
    rows = printed.numbers("a 1\nb\nc 2 d 3\n")
    assert [(row["line"], row["printed"]) for row in rows] == [(1, True), (3, True), (3, True)]


@pytest.mark.parametrize(
    "layout",
    ["{n} {c}", "{n}: {c:,} parameters", "| {n:20} | {c:>9} |", "{n} torch.Size([3, 3]) {c}",
     "Layer {n} has {c} parameters", "'{n}': {c},", "module.{n} {c}", "{n} [-1, 64, 8, 8] {c:,} x"],
)
def test_a_table_is_read_by_the_names_of_layers(layout: str) -> None:
    text = "\n".join(layout.format(n=name, c=count) for name, count in TABLE.items())
    assert [list(pair) for pair in TABLE.items()] in tables(f"Start\n{text}\nTotal: 5\n")


def test_a_table_on_one_line_is_read_as_well() -> None:
    assert [list(pair) for pair in TABLE.items()] in tables(str(TABLE))


def test_a_name_that_comes_again_begins_another_table() -> None:
    first = "\n".join(f"{name} 1" for name in TABLE)
    second = "\n".join(f"{name} {count}" for name, count in TABLE.items())
    assert [pairs[0] for pairs in tables(f"{first}\n{second}")][-2:] == [
        ["conv1.weight", 1], ["conv1.weight", 9408]
    ]


def test_a_layer_printed_twice_in_a_row_stays_in_its_table() -> None:
    lines = ["conv1 weight 9408", "bn1 weight 64", "bn1 bias 64", *(f"{n} 1" for n in "abcdef")]
    (*_, named) = tables("\n".join(lines))
    assert named[:3] == [["conv1", 9408], ["bn1", 64], ["bn1", 64]]


def test_lines_that_end_in_numbers_are_a_table_under_other_names() -> None:
    lines = [f"Conv2d-{number}   [-1, 64]   {number * 1000:,}" for number in range(1, 10)]
    assert tables("\n".join(["----", *lines, "===="])) == [
        [[f"Conv2d-{number}", number * 1000] for number in range(1, 10)]
    ]


def test_a_few_lines_are_no_table() -> None:
    assert tables("bn 9600\nbias 1000\nrest 5\n") == []


def test_an_endless_line_is_read_in_time() -> None:
    lines = (
        "1,111," * 60_000, "1 " * 100_000, "((((" * 50_000, "[1, " * 50_000, "a." * 90_000,
        "(1, " + "1" * 50_000, "[" + "1, " * 50_000, "(" + "1 , " * 50_000,
    )
    for line in lines:
        printed.numbers(line)
        printed.tables(line, LAYERS)


# What else is printed ---------------------------------------------------------------------------

COUNTS = "BN: 9600\nbiases: 1000\nothers: 11678912\n"
RIGHT = [("BN", 9600), ("biases", 1000), ("others", 11678912)]
NOISE = {
    "a parameter": "Parameter containing:\ntensor([1., 1., 1., 1.], requires_grad=True)\n",
    "a tensor of two dimensions": "tensor([[ 0.1, -2.0000e-01],\n        [3., 4.]])\n",
    "whole numbers in two dimensions": "tensor([[1, 2],\n        [3, 4]])\n",
    "a cut tensor": "bn1.weight tensor([[[[1., ..., 2.]]],\n\n ...,\n\n [[[3.]]]], device='cpu')\n",
    "an array": "[[1. 2. 3.]\n [4. 5. 6.]]\n",
    "a network": (
        "ResNet(\n  (conv1): Conv2d(3, 64, kernel_size=(7, 7), bias=False)\n"
        "  (bn1): BatchNorm2d(64, eps=1e-05)\n  (0-1): 2 x Block(\n"
        "      (2): BatchNorm2d(128, eps=1e-05)\n  )\n)\n"
    ),
    "layers in a list": "[Conv2d(3, 64, kernel_size=(7, 7)), BatchNorm2d(64, eps=1e-05)]\n",
    "a layer": "BatchNorm2d(64, eps=1e-05, momentum=0.1)\n",
    "an optimizer": "SGD (\nParameter Group 0\n    lr: 0.1\n    weight_decay: 0\n    eps: 1\n)\n",
    "a summary": "   Conv2d-1  [-1, 64, 112, 112]  9,408\n  BatchNorm2d-2  [-1, 64, 8, 8]  128\n",
    "a summary as a tree": "├─BatchNorm2d: 1-2  [1, 64, 8, 8]  128\n│  └─Conv2d: 3-1  [1, 64]  7\n",
}  # fmt: skip


@pytest.mark.parametrize("title", NOISE)
def test_what_is_printed_beside_the_counts_is_no_count(title: str) -> None:
    for text in (COUNTS + NOISE[title], NOISE[title] + COUNTS):
        assert [row for row in numbers(text) if row[1] > 0] == RIGHT


@pytest.mark.parametrize("title", [title for title in NOISE if "summary" not in title])
def test_what_is_printed_beside_a_table_is_no_row_of_it(title: str) -> None:
    table = "".join(f"{name} {count}\n" for name, count in TABLE.items())
    pairs = [[name, count] for name, count in TABLE.items()]
    for text in (table + NOISE[title] * 9, NOISE[title] * 9 + table):
        assert pairs in tables(text)


def test_a_summary_of_a_network_is_a_table_of_its_layers() -> None:
    rows = "".join(f"Conv2d-{n}   [-1, 64, 112, 112]   {100 + n}\n" for n in range(1, 10))
    assert [[f"Conv2d-{n}", 100 + n] for n in range(1, 10)] in tables(rows)


@pytest.mark.parametrize(
    "line",
    ["tensor([9600, 1000, 11678912])", "Counts(bn=9600, bias=1000, rest=11678912)",
     "(i): BatchNorm (9600), (ii): biases (1000), others (11678912)"],
)  # fmt: skip
def test_counts_that_look_like_tensors_or_layers_are_counts(line: str) -> None:
    assert [value for _, value in numbers(line)] == [9600, 1000, 11678912]


def test_many_tables_do_not_push_out_the_one_with_names() -> None:
    table = "".join(f"{name} {count}\n" for name, count in TABLE.items())
    others = "".join("".join(f"x {n}\n" for n in range(9)) + "-\n" for _ in range(30))
    assert [[name, count] for name, count in TABLE.items()] in tables(table + others)
