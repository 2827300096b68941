"""Server settings that fit this machine."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
GIB = 1024 * MIB
SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a server may use: memory, processors, free disk and shared memory (bytes)."""

    memory: int
    processors: int
    disk_free: int
    shared_memory_free: int


def this_machine(directory: Path) -> Machine:
    """The machine as seen from inside its container, with the disk that holds `directory`."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [_limit(Path("/sys/fs/cgroup/memory.max")), _limit(Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))]
    return Machine(
        memory=min([memory, *[limit for limit in limits if limit]]),
        processors=len(os.sched_getaffinity(0)),
        disk_free=_free(directory),
        shared_memory_free=_free(SHARED_MEMORY) if _open_to_all(SHARED_MEMORY) else 0,
    )


def server_settings(machine: Machine) -> dict[str, str]:
    """Settings of `postgresql.conf` for `machine`.

    Shares of memory follow the PostgreSQL manual's chapter "Resource Consumption", halved because collectors, scoring
    and screens run beside the server; the lock table is enlarged because a query over many chunks locks each of them.
    """
    shared_buffers = _clamp(machine.memory // 6, 128 * MIB, 16 * GIB)
    max_wal = _clamp(machine.disk_free // 20, GIB, 8 * GIB)
    return {
        "shared_buffers": _megabytes(shared_buffers),
        "effective_cache_size": _megabytes(machine.memory // 2),
        "work_mem": _megabytes(_clamp(machine.memory // 400, 8 * MIB, 128 * MIB)),
        "maintenance_work_mem": _megabytes(_clamp(machine.memory // 24, 64 * MIB, GIB)),
        "max_wal_size": _megabytes(max_wal),
        "min_wal_size": _megabytes(min(max_wal // 4, GIB)),
        "wal_buffers": "16MB",
        "checkpoint_timeout": "15min",
        "max_connections": "100",
        "max_locks_per_transaction": "512",
        "max_worker_processes": str(machine.processors + 10),
        "max_parallel_workers": str(machine.processors),
        "max_parallel_workers_per_gather": str(_clamp(machine.processors // 2, 1, 4)),
        "random_page_cost": "1.1",
        "dynamic_shared_memory_type": "posix" if machine.shared_memory_free >= 256 * MIB else "mmap",
        "jit": "off",
    }


def _limit(file: Path) -> int | None:
    text = file.read_text().strip() if file.exists() else ""
    return int(text) if text.isdigit() else None


def _free(directory: Path) -> int:
    if not directory.exists():
        return 0
    stat = os.statvfs(directory)
    return stat.f_bavail * stat.f_frsize


def _open_to_all(directory: Path) -> bool:
    return directory.exists() and bool(directory.stat().st_mode & stat.S_IWOTH)


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


def _megabytes(size: int) -> str:
    return f"{size // MIB}MB"
