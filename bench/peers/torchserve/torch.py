"""All that TorchServe's own code asks of PyTorch while it passes on what a handler answers: whether that is a Tensor.

PyTorch from PyPI is gigabytes of libraries for accelerators, and no model here is computed by it.
"""


class Tensor:
    pass
