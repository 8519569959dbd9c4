"""Answers honestly and hangs at the end: exit handlers, a thread, an object that lives till then."""
# on top of: honest
# must: N
# runs in: docker process
import atexit
import threading
import time


class Clingy:
    def __del__(self):
        time.sleep(10**6)


_clingy = Clingy()
atexit.register(time.sleep, 10**6)
threading.Thread(target=time.sleep, args=(10**6,)).start()
