import sys
import traceback

import torch


class DataMissing(RuntimeError):
    def __init__(self, where):
        super().__init__(f"no data in {where}")
        self.where = where


def guarded(f, *args):
    try:
        return f(*args)
    except DataMissing as e:
        print("missing", e.where, e.args)
    except (ValueError, KeyError) as err:
        print(type(err).__name__, err, file=sys.stderr)
        traceback.print_exc()
    except RuntimeError as err:
        if "out of memory" in str(err):
            print("| WARNING: ran out of memory")
            torch.cuda.empty_cache()
        else:
            raise err from None
    finally:
        print(traceback.format_exc()[:10])


try:
    guarded(lambda: 1 / 0)
except Exception as e:
    exc_type, exc_value, _ = sys.exc_info()
    print(exc_type.__name__, exc_value)
except KeyboardInterrupt:
    sys.exit(1)
