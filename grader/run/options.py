"""Options of a run: where submissions run, how many at a time, and which criteria are graded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunOptions:
    """Options of a run. The defaults are those of `grader run`.

    Attributes:
        sandbox: "docker", "process" (no protection: for code of one's own), or "auto", which takes
            Docker where an engine answers and a process elsewhere.
        gpus: "none", "auto" (all there are, or none), "all", or names such as "0,1".
        slots_per_gpu: Trainings that share one GPU, each with its share of the memory.
        on: Where the machines are: "local", "ray", "ray://HEAD:PORT" or "slurm". None: as the
            rubric says in `grader.grade` and `grader run`, and this machine everywhere else.
        gpu_type: The GPUs' model, on a cluster. None: as the rubric says, or any.
        mixed_gpus: GPUs of different models may grade one class. None: as the rubric says, or no.
        engine_args: Further words for the cluster's engine. None: as the rubric says, or none.
        jobs: Submissions graded at a time. None: by cores and memory.
        runtime: The engine's container runtime, such as "runsc". None: the engine's default.
        base_image: The image that the worker's image is built on. None: the Dockerfile's.
        packages: Packages of the rubric, which the worker's image has as well.
        criteria: Ids of the criteria to grade. Empty: all of the rubric's.
        seed: Seed of the hidden inputs. None: the gradebook's, or a new one.
        fresh: Grade again what an earlier run has graded.
        whole: The run covers every student and criterion, so `fresh` may draw a new seed.
            `grader.grade` sets it.
        verbose: Report each event as it happens.
        rubric_path: The rubric's file; recorded for `grader explain`.
        submissions: The folder of the class; recorded for `grader explain`.
        templates: Templates that replace the project's own; recorded for `grader explain`.
    """

    sandbox: str = "docker"
    gpus: str = "none"
    slots_per_gpu: int = 1
    on: str | None = None
    gpu_type: str | None = None
    mixed_gpus: bool | None = None
    engine_args: str | None = None
    jobs: int | None = None
    runtime: str | None = None
    base_image: str | None = None
    packages: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    seed: int | None = None
    fresh: bool = False
    whole: bool = True
    verbose: bool = False
    rubric_path: Path | None = None
    submissions: Path | None = None
    templates: Path | None = None


CLUSTER = ("on", "gpu_type", "mixed_gpus", "engine_args")   # also keys of the rubric's `cluster`


# What `grader check` and Gradescope's container run: one submission, in a process.
AT_HOME = RunOptions(sandbox="process", gpus="auto", jobs=1)
