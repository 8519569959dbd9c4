import cv2
import numpy as np
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torchvision import models


class GradCAM:
    def __init__(self, model, target_layer):
        self.model = model
        self.gradients = None
        self.activations = None
        self._handles = [
            target_layer.register_forward_hook(self._save_activation),
            target_layer.register_full_backward_hook(self._save_gradient),
        ]

    def _save_activation(self, module, inputs, output):
        self.activations = output.detach()

    def _save_gradient(self, module, grad_input, grad_output):
        self.gradients = grad_output[0].detach()

    def __call__(self, x, class_idx=None):
        self.model.eval()
        logits = self.model(x)
        if class_idx is None:
            class_idx = logits.argmax(dim=1).item()
        self.model.zero_grad()
        logits[0, class_idx].backward()
        weights = self.gradients.mean(dim=(2, 3), keepdim=True)
        cam = F.relu((weights * self.activations).sum(dim=1, keepdim=True))
        cam = F.interpolate(cam, x.shape[2:], mode="bilinear", align_corners=False)
        cam = cam - cam.min()
        return (cam / cam.max()).squeeze().cpu().numpy()

    def remove(self):
        for h in self._handles:
            h.remove()


model = models.resnet18(weights=None)
cam = GradCAM(model, model.layer4[-1])
heat = cam(torch.randn(1, 3, 32, 32))
heatmap = cv2.applyColorMap(np.uint8(255 * heat), cv2.COLORMAP_JET)
plt.imshow(heatmap)
plt.savefig("cam.png")
cam.remove()
