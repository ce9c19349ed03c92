"""Starts a process that cannot outlive its launcher.

Between launcher and process runs a small leash (`python -m deploy.local.leash -- command...`). Its
standard input is a pipe whose other end only the launcher holds: when the launcher is gone, however
it ended, the pipe closes and the leash stops the process. It lives in its own session, so Ctrl-C in
the terminal reaches the launcher alone, which decides the order of stopping.

Invariant: what a process writes, and its log, is its owner's alone; the process is stopped politely, then killed after
`grace`, at the latest when launcher or leash is gone.
"""

from __future__ import annotations

import argparse
import os
import pwd
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

_PR_SET_PDEATHSIG = 1
_SAYS_SO_WITHIN = 10.0


class Child:
    """A process on a leash, seen from the launcher. `pid` is the process itself, not the leash."""

    def __init__(self, leash: subprocess.Popen[bytes], pid: int, stop_signal: int, log: Path, start: int) -> None:
        self._leash = leash
        self._stop_signal = stop_signal
        self._log, self._log_start = log, start
        self.pid = pid

    @property
    def leash_pid(self) -> int:
        return self._leash.pid

    def poll(self) -> int | None:
        """The exit code once the process has ended; 128 + n when signal n ended it."""
        # The leash itself runs without any other module.
        from deploy.local.waiting import has_ended

        code = self._leash.poll()
        if code is None and has_ended(self.pid):
            # On a busy machine the leash may be a while behind, and who asks would take the dead for the living.
            with suppress(subprocess.TimeoutExpired):
                code = self._leash.wait(_SAYS_SO_WITHIN)
        return self._ended(code)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(self._leash.wait(timeout))
        assert code is not None
        return code

    def terminate(self) -> None:
        """Ask the process to stop, with the signal it was spawned to be stopped by."""
        self.signal(self._stop_signal)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        if self.poll() is None:
            _signal_group(self.pid, number)

    def stop(self, within: float) -> int:
        """Terminate, then kill what is still there after `within` seconds."""
        self.terminate()
        try:
            return self.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.wait(within)

    def said(self) -> list[str]:
        """The lines it has logged since it was started."""
        with self._log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace").splitlines()

    def _ended(self, code: int | None) -> int | None:
        if code is None:
            return None
        if code < 0:  # the leash itself was killed: it cannot have stopped the process
            _signal_group(self.pid, signal.SIGKILL)
        if self._leash.stdin is not None:
            self._leash.stdin.close()
        return code


def spawn(
    command: Sequence[str],
    env: Mapping[str, str],
    log: Path,
    user: str | None = None,
    *,
    stop_signal: int = signal.SIGTERM,
    grace: float = 20,
    keep_open: Sequence[int] = (),
) -> Child:
    """Start `command` on a leash, its output appended to `log`, as `user` where the launcher is root.

    `grace` bounds the polite stop after the launcher is gone. `keep_open` are descriptors that the
    leash holds as long as it lives, such as a locked file.
    """
    options = [f"--stop-signal={int(stop_signal)}", f"--grace={grace}", *([f"--user={user}"] if user else [])]
    # Isolated and by path: works from any directory, and nothing in the environment slows its start.
    interpreter = [sys.executable, "-I", "-S", __file__]
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        log_start = output.tell()
        leash = subprocess.Popen(
            [*interpreter, *options, "--", *command],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
            pass_fds=tuple(keep_open),
        )
    assert leash.stdout is not None
    with leash.stdout as report:
        answer = report.readline().decode().strip()
    if not answer.isdigit():
        leash.wait()
        raise OSError(f"cannot start {command[0]}: {answer or 'the leash died'}")
    return Child(leash, int(answer), stop_signal, log, log_start)


def main(arguments: Sequence[str] | None = None) -> int:
    """The leash: start, tell the pid, stop when standard input closes, pass the exit code on."""
    options = _parser().parse_args(arguments)
    os.umask(0o077)
    # Handlers that do nothing, since ignored signals would be inherited by the command.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _disregard)
    try:
        process = _start(options.command, options.user)
    except (OSError, KeyError) as error:
        print(error, flush=True)
        return 127
    signal.signal(signal.SIGTERM, lambda *_: _signal_group(process.pid, options.stop_signal))
    print(process.pid, flush=True)
    threading.Thread(target=_stop_when_alone, args=(process, options), daemon=True).start()
    code = process.wait()
    _signal_group(process.pid, signal.SIGKILL)  # whatever it left in its group
    return 128 - code if code < 0 else code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="leash")
    parser.add_argument("--stop-signal", type=int, default=int(signal.SIGTERM))
    parser.add_argument("--grace", type=float, default=20)
    parser.add_argument("--user")
    parser.add_argument("command", nargs="+")
    return parser


def _start(command: Sequence[str], user: str | None) -> subprocess.Popen[bytes]:
    identity: dict[str, Any] = {}
    if user:
        identity = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=sys.stderr,
        cwd="/",
        process_group=0,
        preexec_fn=_death_wish(),
        **identity,
    )


def _death_wish() -> Callable[[], None] | None:
    """On Linux the kernel kills the process when a leash is killed, which nothing else would notice."""
    if sys.platform != "linux":
        return None
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _stop_when_alone(process: subprocess.Popen[bytes], options: argparse.Namespace) -> None:
    while os.read(0, 512):
        pass
    _signal_group(process.pid, options.stop_signal)
    try:
        process.wait(options.grace)
    except subprocess.TimeoutExpired:
        _signal_group(process.pid, signal.SIGKILL)


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _disregard(number: int, frame: FrameType | None) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main())
