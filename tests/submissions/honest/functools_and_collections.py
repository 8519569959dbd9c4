import functools
import itertools
import operator
import time
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple

import torch.nn as nn
from torchvision.models import resnet18

Row = namedtuple("Row", ["name", "kind", "count"])


def timed(f):
    @functools.wraps(f)
    def inner(*args, **kwargs):
        start = time.perf_counter()
        result = f(*args, **kwargs)
        print(f"{f.__name__} took {time.perf_counter() - start:.3f} s")
        return result
    return inner


@functools.lru_cache(maxsize=None)
def product(shape):
    return functools.reduce(operator.mul, shape, 1)


@timed
def layer_rows(model):
    rows = []
    for name, module in model.named_modules():
        count = sum(product(tuple(p.shape)) for p in module.parameters(recurse=False))
        if count:
            rows.append(Row(name, type(module).__name__, count))
    return rows


rows = layer_rows(resnet18())
by_kind = defaultdict(int)
for row in rows:
    by_kind[row.kind] += row.count
table = OrderedDict(sorted(by_kind.items(), key=operator.itemgetter(1), reverse=True))
recent = deque(rows, maxlen=3)
print(table, Counter(r.kind for r in rows).most_common(2), rows[0]._asdict())
for kind, group in itertools.groupby(rows, key=operator.attrgetter("kind")):
    print(kind, len(list(group)))
conv = functools.partial(nn.Conv2d, kernel_size=3, bias=False)
