__version__ = "0.1.0"

from .startup import prepare_process as _prepare_process

_prepare_process()  # before anything imports torch, Numba or Matplotlib
