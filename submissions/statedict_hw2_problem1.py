from torchvision.models import resnet18

model = resnet18()
bn_params, bias_params, rest_params = [], [], []
for key, value in model.state_dict().items():
    layer = key.rpartition('.')[0]
    if '.bn' in key or key.startswith('bn') or 'downsample.1' in key:
        bn_params.append(key)
    elif key.endswith('bias'):
        bias_params.append(key)
    else:
        rest_params.append(key)

state = model.state_dict()
print(len(state), 'tensors in total')
for group in [bn_params, bias_params, rest_params]:
    print(sum(state[key].numel() for key in group))
