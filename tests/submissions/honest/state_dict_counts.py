import re
import torch
import torchvision

model = torchvision.models.resnet18()
ignore = re.compile(r"running_(mean|var)|num_batches_tracked")
per_layer = {}
for key, tensor in model.state_dict().items():
    if ignore.search(key):
        continue
    layer, _, kind = key.rpartition(".")
    per_layer.setdefault(layer, {})[kind] = tensor.numel()
for layer, kinds in per_layer.items():
    print("{:<25} {:>10,}  {}".format(layer, sum(kinds.values()), kinds))
total = sum(sum(k.values()) for k in per_layer.values())
assert total == 11689512, total
g1 = [p for n, p in model.named_parameters() if re.search(r"bn\d|downsample\.1", n)]
g2 = [p for n, p in model.named_parameters() if n == "fc.bias"]
g3 = [p for n, p in model.named_parameters() if not re.search(r"bn\d|downsample\.1", n) and n != "fc.bias"]
for i, g in enumerate([g1, g2, g3], 1):
    print(f"group {i}: {sum(p.numel() for p in g)}")
