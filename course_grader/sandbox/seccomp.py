"""System calls that student code is refused, as a hand-assembled seccomp filter (x86_64 and aarch64).

A list of refusals, not of permissions: numpy, torch, matplotlib, threads and subprocesses must go on working, and the
namespaces carry the weight. What stands here could reach into the kernel's rarely used corners, make new namespaces,
hold memory that no limit counts, or undo the promise to die with the parent. Refused calls answer EPERM.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

from . import syscalls as ns

ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NEWEST = 462  # mseal, Linux 6.10; later calls answer ENOSYS, so that a new kernel opens no door

# name: (number on x86_64, number on aarch64); None: not there
REFUSED = {
    # mounts and namespaces
    **{"mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97)},
    **{"setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430)},
    **{"fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442)},
    **{"statmount": (457, 457), "listmount": (458, 458)},
    # other processes' memory and files
    **{"ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272)},
    **{"process_madvise": (440, 440), "pidfd_getfd": (438, 438), "name_to_handle_at": (303, 264)},
    **{"open_by_handle_at": (304, 265), "migrate_pages": (256, 238), "move_pages": (279, 239)},
    # memory that RLIMIT_AS does not count, or that outlives its process
    **{"memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "shmat": (30, 196)},
    **{"shmctl": (31, 195), "msgget": (68, 186), "msgsnd": (69, 189), "msgctl": (71, 187), "semget": (64, 190)},
    **{"semctl": (66, 191), "mq_open": (240, 180), "mq_unlink": (241, 181)},
    # large and rarely used parts of the kernel
    **{"bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425)},
    **{"io_uring_enter": (426, 426), "io_uring_register": (427, 427), "add_key": (248, 217)},
    **{"request_key": (249, 218), "keyctl": (250, 219), "fanotify_init": (300, 262), "fanotify_mark": (301, 263)},
    **{"modify_ldt": (154, None), "uselib": (134, None), "ustat": (136, None), "sysfs": (139, None)},
    **{"lookup_dcookie": (212, 18), "nfsservctl": (180, 42), "_sysctl": (156, None), "vhangup": (153, 58)},
    # the machine itself
    **{"reboot": (169, 142), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105)},
    **{"finit_module": (313, 273), "delete_module": (176, 106), "create_module": (174, None), "syslog": (103, 116)},
    **{"swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60)},
    **{"quotactl_fd": (443, 443), "sethostname": (170, 161), "setdomainname": (171, 162), "iopl": (172, None)},
    **{"ioperm": (173, None), "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266)},
    **{"adjtimex": (159, 171), "query_module": (178, None), "get_kernel_syms": (177, None)},
}
CLONE, CLONE3 = (56, 220), (435, 435)
SOCKET, SOCKETPAIR = (41, 198), (53, 199)
PRCTL, PERSONALITY, IOCTL = (157, 167), (135, 92), (16, 29)

NAMESPACES = 0x7E020000  # the CLONE_NEW... flags that clone(2) takes
FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6
TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: type into the terminal

LOAD, EQUAL, GREATER, ANY_BIT, RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
PR_SET_SECCOMP, MODE_FILTER = 22, 2


def answer(error: int) -> int:
    """The filter's return value that makes a call fail with this errno."""
    return 0x00050000 | error


def program(machine: str) -> bytes:
    """The filter for `machine` ("x86_64" or "aarch64"): 8 bytes an instruction."""
    column = list(ARCHITECTURE).index(machine)
    refuse = answer(errno.EPERM)
    code = [
        (LOAD, 0, 0, 4),  # the architecture: the same number is another call elsewhere
        (EQUAL, 1, 0, ARCHITECTURE[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0),  # the number of the call
        *_if(GREATER, NEWEST, answer(errno.ENOSYS)),  # also the x32 calls of x86_64
        *_if(
            EQUAL, CLONE3[column], answer(errno.ENOSYS)
        ),  # flags in memory, which a filter cannot read; libc uses clone
    ]
    for numbers in REFUSED.values():
        if numbers[column] is not None:
            code += _if(EQUAL, numbers[column], refuse)
    code += _look(CLONE[column], 0, _if(ANY_BIT, NAMESPACES, refuse), ALLOW)
    code += _look(PRCTL[column], 0, _if(EQUAL, ns.PR_SET_PDEATHSIG, refuse), ALLOW)
    code += _look(PERSONALITY[column], 0, _if(EQUAL, 0, ALLOW) + _if(EQUAL, 0xFFFFFFFF, ALLOW), refuse)
    code += _look(IOCTL[column], 1, [line for k in TERMINAL_INPUT for line in _if(EQUAL, k, refuse)], ALLOW)
    for call in (SOCKET, SOCKETPAIR):
        allowed = [line for family in FAMILIES for line in _if(EQUAL, family, ALLOW)]
        code += _look(call[column], 0, allowed, answer(errno.EAFNOSUPPORT))
    code.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("HBBI", *line) for line in code)


def _if(test: int, value: int, result: int) -> list[tuple[int, int, int, int]]:
    return [(test, 0, 1, value), (RETURN, 0, 0, result)]


def _look(number: int, argument: int, lines: list, otherwise: int) -> list[tuple[int, int, int, int]]:
    """For one call: load the low half of an argument (the kernel reads no more of these), test it, and return."""
    body = [(LOAD, 0, 0, 16 + 8 * argument), *lines, (RETURN, 0, 0, otherwise)]
    return [(EQUAL, 0, len(body), number), *body]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


_code = program(os.uname().machine) if sys.platform == "linux" and os.uname().machine in ARCHITECTURE else b""
_program = _Program(len(_code) // 8, _code)


def install() -> None:
    """Refuse the calls from now on, here and in all children; needs no_new_privs. Cannot be undone."""
    if not _code:
        raise OSError(errno.ENOTSUP, "no list of system calls for this kind of processor")
    ns.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.addressof(_program))
