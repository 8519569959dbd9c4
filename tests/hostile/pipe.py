"""What cases that attack the protocol stand on: the way to this session's own pipe."""

import fcntl
import os


def say(data):
    """Write to the pipe on which this session answers, found among the open descriptors."""
    for name in os.listdir("/proc/self/fd"):
        try:
            is_pipe = os.readlink(f"/proc/self/fd/{name}").startswith("pipe:")
            if int(name) > 2 and is_pipe and fcntl.fcntl(int(name), fcntl.F_GETFL) & os.O_WRONLY:
                os.write(int(name), data)
        except OSError:
            pass
