"""`python -m grader.worker`: the supervisor, with questions on stdin and answers on stdout."""

import os

# GNU's OpenMP reads this once, when PyTorch loads it. Its threads spin while they wait for each
# other, 300,000 times; where others use the cores, that is most of the processor time of a training
# (benchmarks/wait_policy.py). This is its own number for a machine with fewer cores than threads.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

from grader.worker.process.supervisor import serve  # loads PyTorch: below the setting

if __name__ == "__main__":
    serve()
