__version__ = "0.1.0"

from .api import publish as _publish
from .startup import prepare_process as _prepare_process

_prepare_process()  # before anything imports torch, Numba or Matplotlib
_publish(__name__)
