"""The advisory locks of a database, each number once: two uses of one number would wait for each other for ever."""

from enum import IntEnum


class Lock(IntEnum):
    """What an advisory lock guards; the numbers spell "cem" so that no other program takes one."""

    SCHEMA = 0x63656D01
    DETECTION = 0x63656D02
    LEADER = 0x63656D03
    IDENTITIES = 0x63656D04
    RETENTION = 0x63656D05
    ALERTS = 0x63656D06
    RECEIVER = 0x63656D10
