"""Frames to a session's process arrive whole and in order, however slowly it reads them."""

from __future__ import annotations

import os
import subprocess
import sys

from grader.worker.process.child import Child


def test_frames_arrive_in_the_order_in_which_they_were_sent() -> None:
    frames = [bytes([number]) * size for number in range(1, 60) for size in (1, 150_000)]
    reader = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read(int(sys.argv[1])))"
    process = subprocess.Popen(
        [sys.executable, "-c", reader, str(sum(map(len, frames)))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert process.stdin and process.stdout
    nothing, end = os.pipe()
    os.close(end)
    # The child's output is what it was asked; its answers are none.
    with process.stdin, process.stdout, os.fdopen(nothing, "rb", buffering=0) as answers:
        child = Child(process, (process.stdin, answers, process.stdout), cap=2**26)
        for frame in frames:
            child.send(frame)
        process.wait()
        text = child.output.take()
        child.kill()
    assert text.encode("utf-8") == b"".join(frames)
