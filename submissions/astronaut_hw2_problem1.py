# Homework 2 problem 1: (f) first because it was the most fun, then (c) and (e)
import numpy as np
import matplotlib.pyplot as plt
import skimage.data
import torch.nn as nn
import torchvision
import torchvision.transforms.functional as TF
from PIL import Image, ImageOps

# (f) -------------------------------------------------------------------
img = Image.fromarray(skimage.data.astronaut()).resize((224, 224))
print(img.size, img.mode)

def affine(im, angle=0, dx=0, dy=0, sx=0., sy=0.):
    return TF.affine(im, angle=angle, translate=[dx, dy], scale=1.0, shear=[sx, sy])

augmented = {
    'ShearX': affine(img, sx=20.),
    'ShearY': affine(img, sy=20.),
    'TranslateX': affine(img, dx=40),
    'TranslateY': affine(img, dy=40),
    'Rotate': TF.rotate(img, 30),
    'Brightness': TF.adjust_brightness(img, 1.6),
    'Color': TF.adjust_saturation(img, 0.3),
    'Contrast': TF.adjust_contrast(img, 1.8),
    'Sharpness': TF.adjust_sharpness(img, 4.0),
    'Posterize': ImageOps.posterize(img, 2),
    'Solarize': ImageOps.solarize(img, threshold=100),
    'Equalize': ImageOps.equalize(img),
}
fig, ax = plt.subplots(3, 4, figsize=(12, 9))
for a, (title, picture) in zip(ax.ravel(), augmented.items()):
    a.imshow(np.asarray(picture))
    a.set_title(title)
    a.axis('off')
plt.tight_layout()
plt.savefig('augmentations.png')
plt.show()

# (c) -------------------------------------------------------------------
net = torchvision.models.resnet18(pretrained=True)
net.eval()
number_of_params = {}
for n, p in net.named_parameters():
    key = '.'.join(n.split('.')[:-1])
    number_of_params[key] = number_of_params.get(key, 0) + int(np.prod(p.shape))
for k in number_of_params: print(k, number_of_params[k])
print('all together', sum(number_of_params.values()))

# (e) -------------------------------------------------------------------
batchnorm_stuff, bias_stuff, other_stuff = [], [], []
for layer in net.modules():
    if len(list(layer.children())): continue
    if isinstance(layer, nn.BatchNorm2d):
        batchnorm_stuff.extend(list(layer.parameters()))
    else:
        for n, p in layer.named_parameters():
            (bias_stuff if n == 'bias' else other_stuff).append(p)
for s in [batchnorm_stuff, bias_stuff, other_stuff]:
    print(len(s), sum(p.numel() for p in s))
