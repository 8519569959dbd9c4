from torchvision.models import resnet18
from torch import nn

def countParameters(model):
    table = []
    for name, module in model.named_modules():
        n = sum(p.numel() for p in module._parameters.values() if p is not None)
        if n: table.append((name, n))
    return table

def groupParameters(model):
    bn = {p for m in model.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()}
    bias = {m.bias for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear)) and m.bias is not None}
    rest = set(model.parameters()) - bn - bias
    return bn, bias, rest

net = resnet18()
table = countParameters(net)
for row in table: print('%s: %d' % row)
bn, bias, rest = groupParameters(net)
print([sum(p.numel() for p in s) for s in (bn, bias, rest)])
