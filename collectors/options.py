"""What a collection may be told: kind and source of its files, numbering plan, and the limits of what is read."""

from dataclasses import dataclass

from collectors.mapping import Mapping

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Options:
    """How files are read; `kind` and `source` override what folders and names say.

    `mapping` names the one of `mappings` that is used whatever the files are called.
    """

    kind: str | None = None
    source: str | None = None
    region: str = "CN"
    subscriber_kind: str | None = None
    mappings: tuple[Mapping, ...] = ()
    mapping: str | None = None
    max_expansion_ratio: int = 200
    expansion_floor_bytes: int = 16 * MIB
    max_record_bytes: int = MIB
    max_source_bytes: int | None = None
    max_parquet_spool_bytes: int = 512 * MIB
    block_rows: int = 262_144
    block_bytes: int = 8 * MIB
