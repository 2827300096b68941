"""The catalogues in force: package data, then the operator's own files, handed to the cores' parsers."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from importlib.metadata import entry_points
from pathlib import Path

import customers.taxonomy
import kpi.catalogue
import kqi.catalogue
import qoe.catalogue
import qoe.clusters.advice
from cemaphore.settings import Settings
from customers.taxonomy import Taxonomy
from kpi import vendor_names
from kpi.catalogue import Catalogue as KpiCatalogue
from kpi.scores import ScoreRules, parse_scores
from kpi.vendor_names import VendorNames
from kqi.catalogue import KqiCatalogue
from qoe.calendar import parse_holidays
from qoe.catalogue import QualityCatalogue
from qoe.clusters.advice import Advice
from qoe.model import QoeModel
from qoe.models import registry
from records.errors import ConfigError

QUALITY_FILE = "quality.toml"
TAXONOMY_FILE = "taxonomy.toml"
KPI_FOLDER = "kpi"
FURTHER_KPIS = ("open5gs.toml",)  # one file for each kind of network function that names its counters its own way
KPI_SCORES = "scores.toml"
KQI_FOLDER = "kqi"
VENDOR_FOLDER = "kpi/vendors"


@cache
def packaged(package: str, name: str = "catalogue.toml") -> str:
    """Return the text of a core's catalogue as it is shipped."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def quality(settings: Settings | None = None) -> QualityCatalogue:
    """Return the quality catalogue: `quality.toml` under `home` where there is one, else the shipped one."""
    return qoe.catalogue.parse(quality_text(settings))


def quality_text(settings: Settings | None = None) -> str:
    """Return the text of the quality catalogue in force."""
    own = None if settings is None else settings.home / QUALITY_FILE
    return _text(own) if own is not None and own.exists() else packaged("qoe")


def complaint_taxonomy(settings: Settings) -> Taxonomy:
    """Return what complaints may be about: the file of the setting `taxonomy_file` if it is there, or the shipped."""
    own = settings.taxonomy_file
    if own.exists():
        return _taxonomy(_text(own), str(own))
    return _taxonomy(packaged("customers", TAXONOMY_FILE), TAXONOMY_FILE)


@cache
def _taxonomy(text: str, file: str) -> Taxonomy:
    return customers.taxonomy.parse(text, file)


def kpis(settings: Settings | None = None) -> KpiCatalogue:
    """Return the KPI catalogue: the shipped ones, then each `kpi/*.toml` under `home` in order of name over them."""
    catalogue = kpi.catalogue.load(packaged("kpi"))
    for name in FURTHER_KPIS:
        catalogue = kpi.catalogue.load(packaged("kpi", name), file=name, base=catalogue)
    for path in _own_files(settings, KPI_FOLDER):
        catalogue = kpi.catalogue.load(_text(path), file=str(path), base=catalogue)
    return catalogue


def kpi_scores(settings: Settings | None = None) -> ScoreRules:
    """Return what KPIs of a cell score: `kpi/scores.toml` as shipped, over the KPIs in force."""
    return parse_scores(packaged("kpi", KPI_SCORES), kpis(settings))


def vendors(settings: Settings | None = None) -> VendorNames:
    """Return vendors' counter names: the shipped files, then each `kpi/vendors/*.toml` under `home` over them."""
    found = VendorNames()
    folder = resources.files("kpi") / "vendors"
    for entry in sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda one: one.name
    ):
        found = vendor_names.load(entry.read_text(encoding="utf-8"), file=entry.name, base=found)
    for path in _own_files(settings, VENDOR_FOLDER):
        found = vendor_names.load(_text(path), file=str(path), base=found)
    return found


def kqis(settings: Settings | None = None) -> KqiCatalogue:
    """Return the KQI catalogue: the shipped one and each `kqi/*.toml` under `home`."""
    return kqi.catalogue.parse(packaged("kqi"), *(_text(path) for path in _own_files(settings, KQI_FOLDER)))


def holidays(settings: Settings) -> dict[date, str]:
    """Return the operator's holidays by date, with their names; none where there is no file."""
    path = settings.holidays_file
    try:
        return parse_holidays(_text(path)) if path.exists() else {}
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


def advice(settings: Settings | None = None) -> dict[str, Advice]:
    """Return what to do next by domain: the shipped texts, then the operator's own file over them."""
    found = qoe.clusters.advice.parse(packaged("qoe.clusters", "advice.toml"), "advice.toml")
    own = None if settings is None else settings.advice_file
    return found if own is None or not own.exists() else qoe.clusters.advice.parse(_text(own), str(own), found)


@cache
def models() -> Mapping[str, QoeModel]:
    """Return all QoE models: ours and those of installed plugins (entry points `cemaphore.qoe_models`)."""
    return registry(point.load() for point in entry_points(group="cemaphore.qoe_models"))


def model_version(found: Mapping[str, QoeModel], catalogue: QualityCatalogue) -> str:
    """Return the versions of the models that the catalogue uses, as one text."""
    used = {name for rules in catalogue.services.values() for name in rules.models}
    return " ".join(f"{name}={found[name].version}" for name in sorted(used) if name in found)


def _own_files(settings: Settings | None, folder: str) -> list[Path]:
    return sorted((settings.home / folder).glob("*.toml")) if settings is not None else []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text: {error}") from error
