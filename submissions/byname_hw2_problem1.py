import torchvision

net = torchvision.models.resnet18(weights=None)

layer_counts = {n: p.numel() for n, p in net.named_parameters()}
for k, v in layer_counts.items():
    print(k, v)
print('Total number of parameters:', sum(layer_counts.values()))

batchnorm, biases, rest = [], [], []
for name, param in net.named_parameters():
    if 'bn' in name:
        batchnorm.append(param)
    elif 'bias' in name:
        biases.append(param)
    else:
        rest.append(param)

def size(group):
    return sum([p.numel() for p in group])

print(f'(i) {size(batchnorm)}  (ii) {size(biases)}  (iii) {size(rest)}')
