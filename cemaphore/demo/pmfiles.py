"""3GPP performance files: LTE cells as TS 32.435 `measCollecFile`, NR cells as TS 28.532 `measDataFile`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cemaphore.demo.arrays import Floats, Ints
from cemaphore.demo.city import City
from cemaphore.demo.counters import LTE, NR, PERIOD_S, Counted
from cemaphore.demo.files import write_bytes
from cemaphore.demo.load import QUARTERS
from cemaphore.demo.size import WorldSize

_PREFIX = "DC=demo.example,SubNetwork=City"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What differs between the two schemas."""

    root: str
    namespace: str
    version: str
    sender: str
    frame: str
    entity: str
    leaf: str


_LTE = Dialect(
    root="measCollecFile",
    namespace="http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec",
    version="32.435 V10.0",
    sender='<fileSender localDn="ManagedElement=EMS-1" elementType="EMS"/>',
    frame="measCollec",
    entity="managedElement",
    leaf="ENBFunction=1,EUtranGenericCell=",
)
_NR = Dialect(
    root="measDataFile",
    namespace="http://www.3gpp.org/ftp/specs/archive/28_series/28.532#measData",
    version="28.532 V16.4",
    sender='<fileSender senderName="EMS-2" senderType="EMS"/>',
    frame="measData",
    entity="measEntity",
    leaf="GNBDUFunction=1,NRCellDU=",
)


def write_pm_files(folder: Path, world: WorldSize, city: City, first_hour: int, hours: Sequence[Counted]) -> None:
    """Write those consecutive hours as one file of each kind."""
    begin, end = world.moment(first_hour), world.moment(first_hour + len(hours))
    day = f"-{end:%Y%m%d}." if begin.date() != end.date() else "-"
    stamp = f"D{begin:%Y%m%d.%H%M%z}{day}{end:%H%M%z}"
    groups = (("lte", _LTE, LTE, ~city.cells.nr), ("nr", _NR, NR, city.cells.nr))
    for name, dialect, counters, flags in groups:
        cells = np.flatnonzero(flags)
        values = [_quarters(hour.lte if name == "lte" else hour.nr, counters) for hour in hours]
        content = _document(world, city, dialect, counters, cells, np.concatenate(values), first_hour)
        write_bytes(folder / f"{stamp}_-_{name}.xml.gz", content.encode())


def _quarters(counted: dict[str, Floats], counters: tuple[str, ...]) -> Floats:
    """Return one array (quarters, cells, counters)."""
    return np.stack([counted[name] for name in counters], axis=2)


def _document(
    world: WorldSize,
    city: City,
    dialect: Dialect,
    counters: tuple[str, ...],
    cells: Ints,
    values: Floats,
    first_hour: int,
) -> str:
    ends = [world.moment(first_hour + (q + 1) / QUARTERS).isoformat() for q in range(len(values))]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<{dialect.root} xmlns="{dialect.namespace}">',
        f'<fileHeader fileFormatVersion="{dialect.version}" vendorName="Demo" dnPrefix="{_PREFIX}">',
        f'{dialect.sender}<{dialect.frame} beginTime="{world.moment(first_hour).isoformat()}"/></fileHeader>',
    ]
    sites = city.cells.site[cells]
    for site in np.unique(sites):
        lines.append(f'<measData><{dialect.entity} localDn="ManagedElement={city.sites.name[site]}"/>')
        mine = cells[sites == site]
        for quarter, end in enumerate(ends):
            lines.append(f'<measInfo measInfoId="cell"><granPeriod duration="PT{PERIOD_S}S" endTime="{end}"/>')
            lines.append(f"<measTypes>{' '.join(counters)}</measTypes>")
            for cell in mine:
                results = " ".join(f"{value:g}" if value < 1e5 else f"{value:.0f}" for value in values[quarter, cell])
                lines.append(
                    f'<measValue measObjLdn="{dialect.leaf}{city.cells.name[cell]}">'
                    f"<measResults>{results}</measResults></measValue>"
                )
            lines.append("</measInfo>")
        lines.append("</measData>")
    lines.append(f'<fileFooter><{dialect.frame} endTime="{ends[-1]}"/></fileFooter></{dialect.root}>')
    return "\n".join(lines) + "\n"
