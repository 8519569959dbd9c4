import torch
import torch.nn as nn
import torchvision


class ParameterInspector:
    """walks over a network and remembers what it found"""

    def __init__(self, network):
        self.network = network
        self.sizes = {}
        self.kinds = {'norm': [], 'bias': [], 'other': []}

    def inspect(self):
        self._visit(self.network, '')
        return self

    def _visit(self, module, path):
        children = dict(module.named_children())
        if not children:
            n = sum(torch.numel(p) for p in module.parameters())
            if n > 0:
                self.sizes[path] = n
            self._sort(module)
        for name, child in children.items():
            self._visit(child, path + '.' + name if path else name)

    def _sort(self, layer):
        if isinstance(layer, nn.BatchNorm2d):
            self.kinds['norm'] += [layer.weight, layer.bias]
            return
        for name, p in layer.named_parameters():
            self.kinds['bias' if name == 'bias' else 'other'].append(p)

    def report(self):
        width = max(map(len, self.sizes))
        for path, n in self.sizes.items():
            print(path.ljust(width), n)
        print('TOTAL'.ljust(width), sum(self.sizes.values()))
        for kind, ps in self.kinds.items():
            print(kind, len(ps), 'tensors with', sum(p.numel() for p in ps), 'numbers')


def main():
    inspector = ParameterInspector(torchvision.models.resnet18())
    inspector.inspect().report()


if __name__ == '__main__':
    main()
