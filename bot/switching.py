"""How often threads of this process take turns in the interpreter."""

import sys

_SWITCH_S = 0.001


def switch_often() -> None:
    """A thread that gives up the interpreter at each SQL statement soon has it back while others work.

    With Python's 5 ms it waits as long for it each time; at 0.5 ms changing threads costs more than the waiting
    (make bench).
    """
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
