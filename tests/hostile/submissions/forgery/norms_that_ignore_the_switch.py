"""Batch norms that use each batch's own statistics whatever mode they say they are in."""
# on top of: honest
# must: Z
# criteria: mode-switch
# runs in: docker process


class Deaf(nn.BatchNorm2d):
    def forward(self, images):
        return F.batch_norm(images, None, None, self.weight, self.bias, True)


honest_model = build_model


def build_model(num_classes=10):
    model = honest_model(num_classes)
    model[1], model[5] = Deaf(32), Deaf(64)
    return model
