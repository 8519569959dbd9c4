import sys
import datetime


class Logger(object):
    """Write console output to external text file."""

    def __init__(self, fpath=None):
        self.console = sys.stdout
        self.file = open(fpath, "w") if fpath is not None else None

    def __del__(self):
        self.close()

    def __enter__(self):
        pass

    def __exit__(self, *args):
        self.close()

    def write(self, msg):
        self.console.write(msg)
        if self.file is not None:
            self.file.write(msg)

    def flush(self):
        self.console.flush()

    def close(self):
        if self.file is not None:
            self.file.close()


sys.stdout = Logger("log_train.txt")
print(datetime.datetime.now().isoformat())
sys.stdout = sys.stdout.console
