"""Examines a node of Slurm by a short job, for `grader doctor --on slurm`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from grader.errors import SandboxError
from grader.sandbox.pools import slurm_commands as slurm
from grader.sandbox.pools.launchers import Launcher
from grader.sandbox.pools.pool import NodeReport

_WAIT_SECONDS = 10        # in the queue: a node that is in use is not waited for
_ANSWER_SECONDS = 60.0
_OLDEST = (0, 7)          # the bubblewrap that first had --size
# Runs on the node; each line is a finding, as "key value".
_LOOK = r"""
for one; do [ -e "$one" ] || echo "lacks $one"; done
command -v prlimit >/dev/null || echo "lacks prlimit"
echo "bubblewrap $(bwrap --version 2>/dev/null)"
said=$(bwrap --unshare-all --unshare-user --ro-bind / / --proc /proc true 2>&1) ||
    echo "fails $said"
"""


def examined(
    report: NodeReport, launcher: Launcher, warnings: Sequence[str], options: Sequence[str]
) -> NodeReport:
    """Return the report with what a short job finds on the node.

    Args:
        report: What Slurm says of the node.
        launcher: Starts workers; its files are looked for.
        warnings: What neither the launcher nor Slurm limits.
        options: Further options of `srun`.
    """
    warned = replace(report, warnings=tuple(warnings))
    try:
        said = slurm.run(
            "srun", "--quiet", f"--immediate={_WAIT_SECONDS}", f"--nodelist={report.name}",
            "--ntasks=1", "--time=2", "--mem=100M", "--export=PATH=/usr/bin:/bin", "--chdir=/",
            "--job-name=grader-doctor", "--mpi=none", *options,
            "sh", "-c", _LOOK, "sh", *map(str, launcher.needs),
            seconds=_ANSWER_SECONDS,
        )  # fmt: skip
    except SandboxError as error:
        if "immediate" in str(error) or "Unable to allocate" in str(error):
            return replace(warned, warnings=(*warnings, "it was busy, so nothing was tried on it"))
        return replace(warned, problems=(f"it runs no job: {error}",))
    return replace(warned, problems=tuple(_problems(said)))


def _problems(said: str) -> Sequence[str]:
    """Read the output of `_LOOK`."""
    found = []
    for line in said.splitlines():
        key, _, value = line.partition(" ")
        if key == "lacks" and value == "prlimit":
            found.append("it has no prlimit: install util-linux")
        elif key == "lacks":
            found.append(
                f"it has no {value}: put Python, its packages and TMPDIR on a file system that "
                "all nodes share"
            )
        elif key == "bubblewrap":
            number = re.search(r"(\d+)\.(\d+)", value)
            if number is None:
                found.append("it has no bwrap in /usr/bin or /bin: install bubblewrap")
            elif (int(number[1]), int(number[2])) < _OLDEST:
                found.append(f"its {value} is too old: install bubblewrap 0.7 or later")
        elif key == "fails":
            found.append(
                f"bubblewrap starts nothing there ({value}): users may need to be allowed user "
                "namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
                "kernel.apparmor_restrict_unprivileged_userns)"
            )
    return found
