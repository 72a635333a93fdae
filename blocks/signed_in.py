"""Who runs this process, as the machine knows it."""

import os


def signed_in_user() -> str:
    """The user's name by the process's own user id; empty where the system has none, as on Windows.

    Never by an environment variable, which says whatever somebody sets it to.
    """
    try:
        import pwd  # not on Windows
    except ImportError:
        return ""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user often has no name
        return ""
