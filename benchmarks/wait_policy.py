"""Measures what it costs that threads wait for each other, on an idle and on a busy machine.

OpenMP's threads spin for a while before they sleep. On a busy machine one thread spins while the
other has no core, and each spin counts as processor time. `OMP_WAIT_POLICY=passive` lets them sleep
at once; workers of the grader let them spin 1,000 times. Each figure is a training of the reference
solution's network with two threads: seconds by the clock and of the processor in each way, over
those in the usual way, in turns.

    python -m benchmarks.wait_policy --pairs 5
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from benchmarks.figures import HEAD, Figure, line, ratios, versions
from benchmarks.timing import Command, in_turns, run

THREADS = 2
WAYS: Mapping[str, Mapping[str, str]] = {
    "usual": {},
    "passive": {"OMP_WAIT_POLICY": "passive"},
    "1,000 spins": {"GOMP_SPINCOUNT": "1000"},
}
# A training as students' code does it; it prints its seconds by the clock and of the processor.
TRAINING = """
import json, sys, time
import torch
from reference.resnet import ResNet18
width, size, batch, steps, threads = map(int, sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(0)
net = ResNet18(10, width).train()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
images, labels = torch.randn(batch, 3, size, size), torch.randint(10, (batch,))
def step():
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(net(images), labels).backward()
    optimizer.step()
for _ in range(3):
    step()
began = time.perf_counter(), time.process_time()
for _ in range(steps):
    step()
print(json.dumps([time.perf_counter() - began[0], time.process_time() - began[1]]))
"""
# Width, image size, batch, steps: many short layers, and fewer long ones.
KINDS = {"8×8 images, width 16": (16, 8, 64, 40), "32×32 images, width 16": (16, 32, 64, 8)}


@contextmanager
def busy(number: int) -> Iterator[None]:
    """Keep so many processes busy, until the context or this process ends."""
    work = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(10**5))"
    processes = [subprocess.Popen([sys.executable, "-c", work]) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def measure(sizes: tuple[int, ...], pairs: int) -> dict[str, list[tuple[float, float]]]:
    """Return, for each way and round, seconds by the clock and of the processor."""
    spent: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}

    def train(way: str) -> float:
        arguments = (sys.executable, "-c", TRAINING, *map(str, (*sizes, THREADS)))
        wall, processor = json.loads(run(Command(arguments, environment=WAYS[way]))[1])
        spent[way].append((float(wall), float(processor)))
        return float(wall)

    in_turns([[partial(train, way)] * pairs for way in WAYS])
    return spent


def main() -> None:
    """Measure all kinds of training beside as many busy processes as the options say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--others", type=int, nargs="*", default=[0, 2])
    options = parser.parse_args()
    print(versions(), HEAD, sep="\n")
    for kind, sizes in KINDS.items():
        for others in options.others:
            with busy(others):
                spent = measure(sizes, options.pairs)
            for number, what in enumerate(("clock", "processor")):
                seconds = {way: tuple(one[number] for one in spent[way]) for way in WAYS}
                where = f"{what}, {kind}, {others} busy processes"
                for way, own in seconds.items():
                    print(line(Figure(f"{way}: {where}", own, "s")))
                    if way != "usual":
                        over = ratios(own, seconds["usual"])
                        print(line(Figure(f"{way} over usual: {where}", over)), flush=True)


if __name__ == "__main__":
    main()
