"""The web server's settings. Environment: PORT, HOST (127.0.0.1), WEB_WORKERS, WEB_THREADS; all may be left out."""

import os
from pathlib import Path

host = os.environ.get("HOST", "127.0.0.1")
port = os.environ.get("PORT", "8000")
bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
workers = int(os.environ.get("WEB_WORKERS", "2"))
# A long download holds a thread, so there are more of them than cores could use.
threads = int(os.environ.get("WEB_THREADS", "8"))
worker_class = "gthread"
proc_name = "intranet"

timeout = 120
graceful_timeout = 20
keepalive = 5
umask = 0o077

# Heartbeats of the workers; a slow disk must not look like a dead worker.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  gunicorn opens it with a random name
# Signals are all that is needed to steer it; a socket in the home folder is one more door.
control_socket_disable = True

errorlog = "-"
loglevel = "info"
# Addresses hold what people search for. Who did what is in the audit log; for an access log see deploy/nginx.conf.
accesslog = None
