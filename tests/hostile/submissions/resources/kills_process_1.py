"""Sends every signal to process 1, lowers its limits and its priority, and answers honestly."""
# on top of: honest
# must: N
import contextlib
import os
import resource

for number in range(65):
    with contextlib.suppress(OSError):
        os.kill(1, number)
for limit in range(16):
    with contextlib.suppress(OSError, ValueError):
        resource.prlimit(1, limit, (0, 0))
with contextlib.suppress(OSError):
    os.setpriority(os.PRIO_PROCESS, 1, 19)
with contextlib.suppress(OSError):
    os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0))
