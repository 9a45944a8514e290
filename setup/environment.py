"""Set up `.venv`, in which every `make` target runs.

    python3 setup/environment.py [GROUP...]

The project is installed in place, with the versions of constraints.txt and the dependency groups of
pyproject.toml that are asked for.  Nothing happens while neither file has changed.  What is missing on
this machine is worked around or named in one sentence.  The syntax is that of Python 3.6, so that an
old Python can say that it is too old.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from typing import Any, Dict, List, NoReturn, Tuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "set-up.json")
LOG = os.path.join(VENV, "set-up.log")
INPUTS = ("pyproject.toml", "constraints.txt", os.path.join("setup", "environment.py"))

ENDINGS = (signal.SIGTERM, signal.SIGHUP)
INTERRUPTIONS = (signal.SIGINT, *ENDINGS)
OLDEST = (3, 11)
IS_NEW_ENOUGH = "import sys; sys.exit(sys.version_info < {!r})".format(OLDEST)
IS_THE_SAME = "import sys; sys.exit(sys.version_info[:2] != {!r})".format(sys.version_info[:2])
OTHER_PYTHONS = ("python3.13", "python3.12", "python3.11", "python3.14")

# What pip writes when a connection failed, as opposed to an index that answers and lacks a package.
NO_CONNECTION = (
    "ConnectTimeoutError",
    "ConnectionResetError",
    "Connection refused",
    "Name or service not known",
    "NameResolutionError",
    "Network is unreachable",
    "NewConnectionError",
    "ProtocolError",
    "ProxyError",
    "ReadTimeoutError",
    "RemoteDisconnected",
    "SSLError",
    "Temporary failure in name resolution",
)


class SetUpError(Exception):
    """One sentence that says what is missing and what to type."""


def main(groups: List[str]) -> int:
    """Bring `.venv` up to date.  Returns the exit status."""
    for ending in ENDINGS:
        signal.signal(ending, interrupt)
    try:
        if sys.version_info < OLDEST:
            start_again(newer_python())
        with open(os.path.join(ROOT, "pyproject.toml")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # `make -j` may start this twice
            set_up(groups)
    except SetUpError as error:
        say(str(error))
        return 1
    except OSError as error:
        say("{}: {}: set that right, and type the same command again.".format(error.filename or ROOT, error.strerror))
        return 1
    except KeyboardInterrupt:
        say("The set-up was interrupted: type the same command again, and it begins anew.")
        return 130
    return 0


def interrupt(*_: object) -> NoReturn:
    """Stop as at Ctrl-C, so that no command that was started here goes on behind our back."""
    raise KeyboardInterrupt


def newer_python() -> str:
    """The path of a Python that is new enough.  Raises SetUpError if there is none."""
    for name in OTHER_PYTHONS:
        path = shutil.which(name)
        if path and run([path, "-c", IS_NEW_ENOUGH])[0]:
            return path
    raise SetUpError(
        "The Intention Byway needs Python 3.11 or newer, and {} is Python {}.{}: install a newer one, "
        "or name it with `make PYTHON=/path/to/python3.11`.".format(sys.executable, *sys.version_info[:2])
    )


def start_again(python: str) -> None:
    """Become the same command under another Python."""
    os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])


def set_up(groups: List[str]) -> None:
    """Make the environment, and install into it, unless both are done."""
    # The scripts in the environment name its place, so that it cannot be moved.
    home = "Python {}.{} in {}".format(*sys.version_info[:2], VENV)
    files = digest_of_inputs()
    stamp = read_stamp()
    kept = stamp["home"] == home and os.path.exists(VENV_PYTHON)
    installed = set(stamp["groups"]) if kept and stamp["files"] == files else None
    if installed is not None and installed.issuperset(groups):
        return
    for folder in (ROOT, VENV):
        if os.path.exists(folder) and not os.access(folder, os.W_OK):
            raise SetUpError("{} cannot be written: copy the project to a place that is yours.".format(folder))
    say("Setting up .venv with Python {}.{}; the first time takes about a minute.".format(*sys.version_info[:2]))
    if not (kept and is_usable()):
        make_venv()
        installed = None
    wanted = sorted((installed or set()).union(groups))
    forget_stamp()  # so that an installation that is cut off in the middle is not built upon
    try:
        install(wanted)
    except SetUpError:
        if stamp["home"] == home:  # pip has changed nothing
            write_stamp(stamp)
        raise
    write_stamp({"home": home, "files": files, "groups": wanted})


def digest_of_inputs() -> str:
    digest = hashlib.sha256()
    for name in INPUTS:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def read_stamp() -> Dict[str, Any]:
    """What the last complete set-up left."""
    try:
        with open(STAMP) as file:
            stamp: Dict[str, Any] = json.load(file)
    except (OSError, ValueError):
        return {"home": "", "files": "", "groups": []}
    return stamp


def write_stamp(stamp: Dict[str, Any]) -> None:
    with open(STAMP, "w") as file:
        json.dump(stamp, file)


def forget_stamp() -> None:
    if os.path.exists(STAMP):
        os.remove(STAMP)


def is_usable() -> bool:
    """Whether `.venv` has this version of Python, and pip."""
    return run([VENV_PYTHON, "-c", IS_THE_SAME])[0] and run([VENV_PYTHON, "-m", "pip", "--version"])[0]


def make_venv() -> None:
    """Make `.venv` with pip in it, in the first way that works here."""
    for way in (with_ensurepip, with_borrowed_pip, with_virtualenv, with_uv, with_apt):
        shutil.rmtree(VENV, ignore_errors=True)
        output = way()
        if is_usable():
            return
        refuse_if_offline(output)
    shutil.rmtree(VENV, ignore_errors=True)
    if is_debian_python():
        raise SetUpError("Python cannot make an environment here: type `{}`.".format(" ".join(apt_command())))
    raise SetUpError(
        "{} cannot make an environment, because it has neither ensurepip nor pip: "
        "install virtualenv or uv, and type the same command again.".format(sys.executable)
    )


def with_ensurepip() -> str:
    return run([sys.executable, "-m", "venv", VENV])[1]


def with_borrowed_pip() -> str:
    """Debian keeps ensurepip in a package of its own, but the pip of the system can fill a bare environment."""
    made, output = run([sys.executable, "-m", "venv", "--without-pip", VENV])
    return run([sys.executable, "-m", "pip", "--python", VENV_PYTHON, "install", "pip"])[1] if made else output


def with_virtualenv() -> str:
    made, output = run([sys.executable, "-m", "virtualenv", VENV])
    return output if made else run(["virtualenv", "--python", sys.executable, VENV])[1]


def with_uv() -> str:
    return run(["uv", "venv", "--seed", "--python", sys.executable, VENV])[1]


def with_apt() -> str:
    """Install what Debian left out, where this is allowed."""
    if not (is_debian_python() and os.geteuid() == 0):
        return ""
    say("Python cannot make an environment here yet: `{}`.".format(" ".join(apt_command())))
    if not run(apt_command())[0]:
        run(["apt-get", "update"])
        run(apt_command())
    return with_ensurepip()


def is_debian_python() -> bool:
    return os.path.realpath(sys.executable).startswith("/usr/bin/") and shutil.which("apt-get") is not None


def apt_command() -> List[str]:
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    return [*sudo, "apt-get", "install", "--yes", "python{}.{}-venv".format(*sys.version_info[:2])]


def install(groups: List[str]) -> None:
    """Install the project in place, and the groups.  Raises SetUpError with pip's reason."""
    command = [VENV_PYTHON, "-m", "pip", "install", "--no-input", "--editable", ".", *requirements(groups)]
    # By variable and not by option, because the variables also reach the build of the project.
    done, output = run(command, PIP_CONSTRAINT="constraints.txt", PIP_BUILD_CONSTRAINT="constraints.txt")
    with open(LOG, "w") as log:
        log.write(output)
    if not done:
        refuse_if_offline(output)
        errors = re.findall(r"ERROR: (.+)", output)  # the first one is the cause, what follows is advice
        raise SetUpError(
            "The project could not be installed: {}; the whole of it is in .venv/set-up.log.".format(
                errors[0].rstrip(".") if errors else "pip did not say why"
            )
        )


def requirements(groups: List[str]) -> List[str]:
    """The requirements of the dependency groups (PEP 735), which pip reads only since its version 25.1."""
    import tomllib

    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        lists = tomllib.load(file)["dependency-groups"]
    unknown = [group for group in groups if group not in lists]
    if unknown:
        raise SetUpError("pyproject.toml has no dependency group {!r}.".format(unknown[0]))
    return [requirement for group in groups for requirement in lists[group]]


def refuse_if_offline(output: str) -> None:
    if any(sign in output for sign in NO_CONNECTION):
        raise SetUpError(
            "The package index cannot be reached: connect this machine to the network, or set PIP_INDEX_URL "
            "to an index that it can reach, and type the same command again."
        )


def run(command: List[str], **environment: str) -> Tuple[bool, str]:
    """Run `command` in the project's root.  Returns whether it succeeded, and what it wrote."""
    variables = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_USER="0", DEBIAN_FRONTEND="noninteractive")
    variables.update(environment)
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTIONS)  # it may begin before we know of it
    try:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that what it starts can be ended with it
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, heard),  # noqa: PLW1509 - one thread
        )
    except OSError as error:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        return False, str(error)
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        output, _ = process.communicate()
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode == 0, output.decode(errors="replace")


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
