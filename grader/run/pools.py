"""Finds the machines of a run: this one, or the pool that `--on` or the rubric names."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from grader.errors import UsageError
from grader.rubric.model import Rubric
from grader.run.options import CLUSTER, RunOptions
from grader.sandbox.docker import Build, image_tag
from grader.sandbox.pools.pool import Pool

LOCAL = "local"


def with_cluster(options: RunOptions, rubric: Rubric) -> RunOptions:
    """Return the options with the keys of the rubric's `cluster` where none was given."""
    missing = {name: getattr(rubric.cluster, name) for name in CLUSTER
               if getattr(options, name) is None}
    return dataclasses.replace(options, **missing)


def is_pooled(options: RunOptions) -> bool:
    """Say if the options name other machines than this one."""
    return (options.on or LOCAL) != LOCAL


def pool_of(options: RunOptions) -> Pool:
    """Make the pool that `options.on` names. Nothing is connected yet.

    Raises:
        UsageError: No such pool is known, or an option does not fit it.
    """
    name = options.on or LOCAL
    if options.sandbox == "process":
        raise UsageError(
            f"--on {name} grades in containers, on machines that others use too: leave --sandbox"
            " process out, or grade on this machine with --on local"
        )
    if options.gpus not in ("none", "auto", "all"):
        raise UsageError(
            f"--gpus {options.gpus}: --on {name} chooses the GPUs itself; use none, auto or all,"
            " and --gpu-type for a model"
        )
    if name == "ray" or name.startswith("ray://"):
        from grader.sandbox.pools.ray_pool import RayPool, labels_of

        return RayPool(
            address=None if name == "ray" else name,
            image=image_tag(Build.of(options.base_image, options.packages)),
            runtime=options.runtime,
            gpus=options.gpus != "none",
            slots_per_gpu=options.slots_per_gpu,
            gpu_type=options.gpu_type,
            mixed_gpus=bool(options.mixed_gpus),
            labels=labels_of(options.engine_args or ""),
        )
    if name == "slurm" or name.startswith("slurm:"):
        from grader.sandbox.pools.slurm_pool import SlurmPool

        if options.runtime is not None:
            raise UsageError(f"--runtime {options.runtime}: --on slurm has no container runtime")
        return SlurmPool(
            gpus=options.gpus != "none",
            gpu_type=options.gpu_type,
            mixed_gpus=bool(options.mixed_gpus),
            engine_args=options.engine_args or "",
            image=Path(name.partition(":")[2]).absolute() if ":" in name else None,
        )
    raise UsageError(
        f"--on {name}: expected local, ray, ray://HEAD:PORT such as ray://gpu1:10001, slurm, or"
        " slurm:IMAGE.sif"
    )
