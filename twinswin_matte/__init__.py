__version__ = "0.1.0"

from .api import publish as _publish

_publish(__name__)
