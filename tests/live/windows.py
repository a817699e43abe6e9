"""Runs ``python -m app`` as if on Windows, as far as the modules of `app` can tell.

They see ``sys.platform == "win32"``, and neither the modules nor the names that Python lacks there; folders cannot be
opened, no file is renamed to one that exists, and event loops handle no signals, the default one no readers either.
Other packages see this system.
"""

import asyncio
import builtins
import errno
import os
import runpy
import select
import signal
import socket
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import uvicorn.loops.asyncio

MISSING_MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "uvloop"}
MISSING_NAMES = {
    os: (
        "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK PRIO_PROCESS ST_RDONLY WNOHANG chown fchmod fchown fork getegid "
        "geteuid getgid getloadavg getpriority getuid killpg mkfifo posix_fallocate pread preadv pwrite pwritev readv "
        "register_at_fork sched_getaffinity sendfile set_blocking setpriority setsid statvfs sysconf uname writev"
    ).split(),
    select: "epoll kqueue poll POLLIN POLLOUT".split(),
    signal: (
        "SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 SIGXCPU SIG_BLOCK alarm "
        "pthread_sigmask setitimer sigwait"
    ).split(),
    socket: "AF_UNIX MSG_DONTWAIT SO_REUSEPORT TCP_USER_TIMEOUT recv_fds send_fds".split(),
    sys: [],
}
"""Names that the modules lack on Windows, by module."""


class _View(ModuleType):
    """A module without some of its names, and with others."""

    def __init__(self, module: ModuleType, missing: Sequence[str], other: Mapping[str, object]) -> None:
        super().__init__(module.__name__)
        self.__dict__.update(other)
        object.__setattr__(self, "_module", module)
        object.__setattr__(self, "_missing", frozenset(missing))

    def __getattr__(self, name: str) -> Any:
        if name in self._missing:
            raise AttributeError(f"{self.__name__}.{name} does not exist on Windows")
        return getattr(self._module, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._module, name, value)


def _open(path: Any, flags: int, mode: int = 0o777) -> int:
    if os.path.isdir(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return os.open(path, flags, mode)


def _rename(source: Any, target: Any) -> None:
    if os.path.exists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    os.rename(source, target)


def _dup(descriptor: int) -> int:
    if stat.S_ISSOCK(os.fstat(descriptor).st_mode):  # the number of a socket is none of a file
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return os.dup(descriptor)


_OTHER: dict[ModuleType, dict[str, object]] = {
    os: {"O_BINARY": 0, "O_NOINHERIT": os.O_CLOEXEC, "open": _open, "rename": _rename, "dup": _dup},
    socket: {"SO_EXCLUSIVEADDRUSE": socket.SO_REUSEADDR},
    sys: {"platform": "win32"},
}
_VIEWS = {module.__name__: _View(module, missing, _OTHER.get(module, {})) for module, missing in MISSING_NAMES.items()}


class _SelectorLoop(asyncio.SelectorEventLoop):
    """The event loop that has to be asked for on Windows."""

    def add_signal_handler(self, *_: object) -> None:
        raise NotImplementedError


class _DefaultLoop(_SelectorLoop):
    """The default event loop of uvicorn on Windows."""

    def add_reader(self, *_: object) -> None:
        raise NotImplementedError


def _importer(original: Callable[..., Any]) -> Callable[..., Any]:
    def importer(
        name: str, globals: Mapping[str, Any] | None = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        if str((globals or {}).get("__package__")).split(".")[0] == "app":
            if name in MISSING_MODULES:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            if name in _VIEWS:
                return _VIEWS[name]
        return original(name, globals, locals, fromlist, level)

    return importer


if __name__ == "__main__":
    sys.modules["uvloop"] = None  # type: ignore[assignment]
    uvicorn.loops.asyncio.asyncio_loop_factory = lambda use_subprocess=False: _DefaultLoop
    asyncio.SelectorEventLoop = _SelectorLoop  # type: ignore[misc]
    builtins.__import__ = _importer(builtins.__import__)
    runpy.run_module("app", run_name="__main__", alter_sys=True)
