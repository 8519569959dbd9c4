"""Reports each machine of a cluster, for `grader doctor --on`."""

from __future__ import annotations

from collections.abc import Iterator

from grader.cli.finding import Finding
from grader.errors import GraderError
from grader.rubric.model import Limits
from grader.run.options import RunOptions
from grader.run.pools import pool_of
from grader.sandbox.pools.pool import NodeReport, reasons_to_refuse
from grader.text import counted


def of_cluster(options: RunOptions, limits: Limits) -> Iterator[Finding]:
    """Yield a finding or more for each machine of the pool that `options.on` names.

    Args:
        options: Name the pool.
        limits: The rubric's limits, which say how much fits on the machines.
    """
    name = f"--on {options.on}"
    try:
        pool = pool_of(options)
    except GraderError as error:
        yield Finding(name, "problem", *_parted(str(error).removeprefix(f"{name}: ")))
        return
    try:
        reports = pool.probe()
        refused = reasons_to_refuse(reports, bool(options.mixed_gpus or options.gpu_type))
        for one in reports:
            yield from _of_machine(one, [reason for node, reason in refused if node == one.name])
        for warning in dict.fromkeys(text for one in reports for text in one.warnings):
            where = [one.name for one in reports if warning in one.warnings]
            found, fix = _parted(warning)
            yield Finding(name, "warning", f"{found} ({', '.join(where)})", fix)
        room = pool.capacity(limits, options.slots_per_gpu)
        gpus = f" and {counted(room.gpus, 'GPU')}" if room.gpus else ""
        yield Finding(name, "ok", f"room for {counted(room.jobs, 'submission')} at a time{gpus}")
    except GraderError as error:
        yield Finding(name, "problem", *_parted(str(error).removeprefix(f"{name}: ")))
    finally:
        pool.close()


def _of_machine(one: NodeReport, reasons: list[str]) -> Iterator[Finding]:
    what = f"machine {one.name}"
    gpus = ", ".join(one.gpus) or "no GPU"
    image = f", image {one.image.removeprefix('sha256:')[:12]}" if one.image else ""
    if not reasons:
        yield Finding(what, "ok", f"{one.cpus:g} CPUs, {one.memory_mib} MiB, {gpus}{image}")
    for reason in reasons:
        yield Finding(what, "problem", *_parted(reason))


def _parted(text: str) -> tuple[str, str]:
    """Part a message into what was found and what to do, which follows the last colon."""
    found, _, fix = text.rpartition(": ")
    return (found, fix[:1].upper() + fix[1:]) if found else (text, "")
