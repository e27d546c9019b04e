"""The supervisor's process: apart from every terminal, so that nothing a person closes takes it along."""

import os
import resource
import signal
import sys

from ops.places import home_folder
from ops.stack import Stack, state_file
from ops.state import Phase, State
from ops.supervisor import Supervisor
from ops.trouble import Trouble

MANY_FILES = 65_536


def main() -> int:
    """Run the stack that was decided for MAYDAY_HOME until told to stop."""
    os.umask(0o022)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _allow_many_files()
    home = home_folder()
    stack = Stack.open(home)
    if stack is None:
        print(f"nothing was decided for {home}; run ./mayday up")
        return 1
    try:
        stack.prepare()
        programs = stack.programs()
    except (Trouble, OSError) as error:
        print(error, flush=True)
        State(phase=Phase.FAILED, trouble=str(error)).save(state_file(home))
        return 1
    try:
        Supervisor(programs, home=home).run()
    except Trouble:
        return 1
    return 0


def _allow_many_files() -> None:
    """Each device is an open file of the broker; many hosts allow a thousand until asked for more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # No more than this either: some libraries keep a table for every file there might be.
    wanted = MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, MANY_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    sys.exit(main())
