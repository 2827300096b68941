"""The QoE models: one module each, found by looking in this folder."""

import pkgutil
from collections.abc import Iterable, Mapping
from importlib import import_module

from qoe.model import QoeModel
from records.errors import ConfigError


def registry(extra: Iterable[QoeModel] = ()) -> Mapping[str, QoeModel]:
    """Name to model: every module of this folder that has a `MODEL`, then `extra` (installed plugins).

    Raises ConfigError where two models share a name.
    """
    modules = (import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    models = [module.MODEL for module in modules if hasattr(module, "MODEL")]
    found: dict[str, QoeModel] = {}
    for model in (*models, *extra):
        if model.name in found:
            raise ConfigError(f"two QoE models are named {model.name!r}: give one of them another name")
        found[model.name] = model
    return found
