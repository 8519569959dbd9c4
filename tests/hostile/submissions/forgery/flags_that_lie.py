"""Batch norms that say what is wanted of them and do the other thing: trained in eval mode,
evaluated in train mode."""
# on top of: honest
# must: Z
# criteria: mode-switch
# runs in: docker process


class Liar(nn.BatchNorm2d):
    said = True

    @property
    def training(self):
        return self.said

    @training.setter
    def training(self, mode):
        self.__dict__["said"] = mode

    def forward(self, images):
        moving = not self.said
        return F.batch_norm(images, self.running_mean, self.running_var, self.weight, self.bias,
                            moving, 0.1)


honest_model = build_model


def build_model(num_classes=10):
    model = honest_model(num_classes)
    model[1], model[5] = Liar(32), Liar(64)
    return model
