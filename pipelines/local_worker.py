"""A worker process of a local job: Beam's own, but silent, and gone as soon as the job is.

Run as `python -m pipelines.local_worker PIPE`. The job holds the named pipe open as long as it wants its
workers to live; however it ends, the pipe's end is the workers' end.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import redirect_stderr

from pipelines.silence import silence_logs


def main() -> None:
    """Works for the job until it ends."""
    threading.Thread(target=_end_with_job, args=(sys.argv[1],), name="end-with-job", daemon=True).start()
    # Ctrl-C reaches every process of the terminal: the job alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence_logs()
    from apache_beam.runners.worker import sdk_worker_main

    # The harness prints what a step raises, which reaches the job as well.
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        sdk_worker_main.main(sys.argv)


def _end_with_job(pipe: str) -> None:
    with open(pipe, "rb") as job:
        job.read()
    os._exit(0)


if __name__ == "__main__":
    main()
