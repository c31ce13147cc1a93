"""The process in which hostile files are read: limits first, then the bytes, then one answer, then gone.

Started by `search.extract` only. Standard input: one line of JSON with the limits and the name (a name on the
command line would show in the process list), then the bytes of the file to the end. Standard output: an empty
line once the process stands, one line of JSON with note, mime, detail and size, then `size` bytes of UTF-8.
"""

from __future__ import annotations

import json
import math
import os
import resource
import socket
import sys
import warnings
from pathlib import Path
from typing import Any

from search.extract_clock import SPARE_SECONDS, Clock
from search.extract_sandbox import confine

EXIT_MEMORY = 3
# What Python, its libraries and Tesseract read; `mimetypes`, which openpyxl asks, opens what lies in /etc.
_READ = (
    *("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types"),
    *("/etc/apache2/mime.types", "/etc/httpd", "/dev/urandom", sys.prefix, sys.base_prefix),
    str(Path(__file__).resolve().parent),
)


def main() -> None:
    """Serve one file and end the process."""
    asked = json.loads(sys.stdin.buffer.readline())
    _say(b"\n")
    try:
        _limit(float(asked["seconds"]), int(asked["memory"]))
        confine((*_READ, *asked["read"]), ("/dev/null",))
        answer = _answer(asked)
    except MemoryError:
        os._exit(EXIT_MEMORY)
    _say(answer)
    # Nothing is left to clean up, and a library damaged by a file gets no chance to hang at exit.
    os._exit(0)


def _answer(asked: dict[str, Any]) -> bytes:
    # The file, and what is unpacked from it, have to fit into the memory allowed.
    most = int(asked["memory"]) // 4
    data = sys.stdin.buffer.read(most + 1)
    clock = Clock(float(asked["seconds"]), hard=True)  # only now: sending may take its time
    from search.extract_legacy import Line
    from search.extract_ocr import Ocr
    from search.extract_read import Answer, Means, read

    warnings.simplefilter("ignore")  # of the libraries, about the file
    if len(data) > most:
        answer = Answer("", "too_large", "", f"more than {most} bytes")
    else:
        ocr, convert = asked["ocr"], asked["convert"]
        line = socket.socket(fileno=convert["socket"]) if "socket" in convert else None
        means = Means(
            clock,
            Ocr(ocr["program"], frozenset(ocr["languages"]), ocr["pages"], ocr["seconds"]) if ocr else None,
            Line(convert["why"], line, convert["seconds"]),
        )
        answer = read(data, str(asked["filename"]), int(asked["max_chars"]), means)
    text = answer.text.encode("utf-8", "replace")
    head = {"note": answer.note, "mime": answer.mime, "detail": answer.detail, "size": len(text)}
    return json.dumps(head).encode("ascii") + b"\n" + text


def _limit(seconds: float, memory: int) -> None:
    """Memory, processor time, no file written, few opened, no core dump: that would be the file in clear."""
    cpu = math.ceil(seconds) + SPARE_SECONDS
    for what, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (bound, bound))


def _say(message: bytes) -> None:
    view = memoryview(message)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    main()
