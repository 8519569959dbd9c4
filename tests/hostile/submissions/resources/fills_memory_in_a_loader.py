"""Takes all the memory in the workers of a DataLoader."""
# must: L memory_limit
from torch.utils.data import DataLoader, Dataset


class Greedy(Dataset):
    held = []

    def __len__(self):
        return 10**6

    def __getitem__(self, index):
        self.held.append(b"x" * 2**24)
        return index


def layer_parameter_counts(model):
    return {str(batch): 1 for batch in DataLoader(Greedy(), batch_size=100, num_workers=2)}
