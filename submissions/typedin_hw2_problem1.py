# numbers from torchsummary
import torch
from torchvision.models import resnet18

model = resnet18()
print(sum(p.numel() for p in model.parameters()))   # 11689512

layer_params = {
    'conv1': 9408, 'bn1': 128,
    'layer1.0.conv1': 36864, 'layer1.0.bn1': 128, 'layer1.0.conv2': 36864, 'layer1.0.bn2': 128,
    'layer1.1.conv1': 36864, 'layer1.1.bn1': 128, 'layer1.1.conv2': 36864, 'layer1.1.bn2': 128,
    'layer2.0.conv1': 73728, 'layer2.0.bn1': 256, 'layer2.0.conv2': 147456, 'layer2.0.bn2': 256,
    'layer2.0.downsample.0': 8192, 'layer2.0.downsample.1': 256,
    'layer2.1.conv1': 147456, 'layer2.1.bn1': 256, 'layer2.1.conv2': 147456, 'layer2.1.bn2': 256,
    'layer3.0.conv1': 294912, 'layer3.0.bn1': 512, 'layer3.0.conv2': 589824, 'layer3.0.bn2': 512,
    'layer3.0.downsample.0': 32768, 'layer3.0.downsample.1': 512,
    'layer3.1.conv1': 589824, 'layer3.1.bn1': 512, 'layer3.1.conv2': 589824, 'layer3.1.bn2': 512,
    'layer4.0.conv1': 1179648, 'layer4.0.bn1': 1024, 'layer4.0.conv2': 2359296, 'layer4.0.bn2': 1024,
    'layer4.0.downsample.0': 131072, 'layer4.0.downsample.1': 1024,
    'layer4.1.conv1': 2359296, 'layer4.1.bn1': 1024, 'layer4.1.conv2': 2359296, 'layer4.1.bn2': 1024,
    'fc': 513000,
}

bn_params = 9600
bias_params = 1000
other_params = 11678912
print(bn_params, bias_params, other_params)
assert bn_params + bias_params + other_params == sum(layer_params.values())
