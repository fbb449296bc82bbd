"""A process that starts: ``python -m benchmarks.start check``, or ``serve`` with the headers of a request as JSON.

Prints JSON: processor time until it could serve or had checked (seconds), and its memory after that or after the
request (bytes).
"""

from __future__ import annotations

import json
import sys
import time

import psutil
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application

from benchmarks.handlers import wsgi_call


def main() -> None:
    if sys.argv[1] == "check":
        execute_from_command_line(["manage.py", "check"])
        seconds = time.process_time()
    else:
        call = wsgi_call(get_wsgi_application(), "/sync/user")
        seconds = time.process_time()
        call(json.loads(sys.argv[2]))
    print(json.dumps({"seconds": seconds, "bytes": psutil.Process().memory_info().rss}))


if __name__ == "__main__":
    main()
