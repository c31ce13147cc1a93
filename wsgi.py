"""The WSGI entry: `gunicorn wsgi:app`, `flask --app wsgi …`."""

import sys

from intranet.app import create_app
from intranet.kinds.base import KindError
from intranet.settings import SettingsError

try:
    app = create_app()
except (SettingsError, KindError) as error:
    lines = getattr(error, "errors", None) or str(error).splitlines()
    sys.exit("\n".join(["设置有误，未启动 / Not started:", *(f"  - {line}" for line in lines)]))
