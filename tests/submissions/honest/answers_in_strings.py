"""
Homework 2, problem 1.

(b) model.train() sets self.training of every module; __call__ runs the hooks and then forward. One could
look at it by gc.get_objects() or through __closure__ of nn.Module.__call__, but I did not.
(d) Biases shift the output. exec and eval are not needed.
"""
import torch

ANSWER_A = """
torchvision's resnet.py is peculiar: each block has its own downsample, zero_init_residual sets the
last batch norm's weight to zero, and _make_layer builds the stages. The import of resnet18 is lazy.
"""
ANSWER_B = "train() before the epoch, eval() before the validation; the grader, hopefully, agrees."
QUESTION = "What do the running statistics do? See sys.modules, os.write and pickle."


def main():
    """Prints the answers; getattr(model, name) is in the docstring only."""
    # import ctypes; from grader import x; gc.get_objects()
    print(ANSWER_A, ANSWER_B)
    print("__init__ and __call__ of a module:", torch.nn.Module.__name__)


if __name__ == "__main__":
    main()
