from torch import nn


class Unit(nn.Module):
    """conv - bn - relu - conv - bn, plus the input"""

    def __init__(self, n_in, n_out, stride):
        super(Unit, self).__init__()
        self.conv_a = nn.Conv2d(n_in, n_out, 3, stride, 1)
        self.norm_a = nn.BatchNorm2d(n_out)
        self.conv_b = nn.Conv2d(n_out, n_out, 3, 1, 1)
        self.norm_b = nn.BatchNorm2d(n_out)
        self.act = nn.ReLU()
        self.project = nn.Conv2d(n_in, n_out, 1, stride) if (n_in != n_out or stride > 1) else nn.Identity()

    def forward(self, x):
        h = self.act(self.norm_a(self.conv_a(x)))
        h = self.norm_b(self.conv_b(h))
        return self.act(h + self.project(x))


class TinyResNet(nn.Module):
    def __init__(self, channels=(24, 32, 48), num_classes=10, p=0.1):
        super(TinyResNet, self).__init__()
        self.first = nn.Conv2d(3, channels[0], 5, 4, 2)
        self.first_norm = nn.BatchNorm2d(channels[0])
        units = []
        for i in range(1, len(channels)):
            units.append(Unit(channels[i - 1], channels[i], stride=i))
        self.units = nn.Sequential(*units)
        self.drop = nn.Dropout(p)
        self.classify = nn.Linear(channels[-1] * 4, num_classes)
        self.pool = nn.AdaptiveAvgPool2d(2)

    def forward(self, x):
        x = self.units(self.first_norm(self.first(x)).relu())
        return self.classify(self.drop(self.pool(x).flatten(1)))
