"""The pages of QoE models and of the quality catalogue."""

import qoe.catalogue
from cemaphore.catalogues import packaged
from cemaphore.reference.markdown import cell, code, facts, number, page, quantity, span, table
from qoe.catalogue import QualityCatalogue, ServiceRules
from qoe.model import Input, QoeModel
from qoe.models import registry
from qoe.persistence import PersistenceRules

_DIRECTIONS = {1: "more is better", -1: "more is worse", 0: ""}


def model_page() -> str:
    """Every shipped QoE model with its scale, source, inputs and valid ranges."""
    models = registry()
    intro = (
        f"{len(models)} models. What the marks mean, formulas and worked examples: [Quality](../models.md). A value "
        "outside what is possible counts as missing; one outside the valid range is scored and marked provisional.\n"
    )
    return page("QoE models", intro, *(_model(models[name]) for name in sorted(models)))


def _model(model: QoeModel) -> str:
    required = "; ".join(" or ".join(code(name) for name in group) for group in model.required)
    about = facts(
        [
            ("version", model.version),
            ("services", ", ".join(model.services)),
            ("MOS scale", span(*model.scale)),
            ("grounding", model.grounding.value),
            ("source", cell(model.source)),
            ("required", required),
            ("note", cell(model.note)),
        ],
        cell(model.title),
    )
    head = ["input", "possible", "valid", "effect", "if missing"]
    return f"## {code(model.name)}\n\n{about}\n" + table(head, [_input(i) for i in model.inputs])


def _input(entry: Input) -> list[str]:
    possible = " ".join(code(name) for name in entry.choices) or span(*entry.possible, entry.unit)
    valid = span(*entry.valid, entry.unit) if entry.valid else ""
    assumed = f"{cell(entry.assumed)} is assumed" if entry.assumed else ""
    return [code(entry.name), possible, valid, _DIRECTIONS[entry.direction], assumed]


def catalogue_page() -> str:
    """The quality catalogue: models and references per service, index weights, failure causes, touchpoints."""
    rules = qoe.catalogue.parse(packaged("qoe"))
    intro = (
        f"Catalogue {code(rules.version)}. Every number here is ours (`own`), with its reason in `qoe/catalogue.toml`; "
        "a `quality.toml` in the home directory takes its place. What they do: [Indices](../indices.md).\n"
    )
    services = [_service(entry) for entry in rules.services.values()]
    return page("Quality catalogue", intro, _index(rules), *services, _causes(rules), _touchpoints(rules))


def _index(rules: QualityCatalogue) -> str:
    weights = ", ".join(f"{name} {number(weight)}" for name, weight in rules.dimension_weights.items())
    return "## Indices\n\n" + facts(
        [
            ("dimension weights", weights),
            ("prior weight m", f"{number(rules.prior_weight)} sessions"),
            ("least coverage of an overall index", number(rules.least_coverage)),
            ("mean of the dimensions", rules.mean.label),
            *(
                (f"cap of one {name} in a user-hour", f"{number(most)} sessions")
                for name, most in rules.caps.most.items()
            ),
            ("least score of a session", number(rules.caps.least_score)),
            *_persistence(rules.persistence),
        ],
        "value",
    )


def _persistence(rules: PersistenceRules) -> list[tuple[str, str]]:
    bad = f"{number(rules.bad_share)} of at least {rules.least_sessions} rated sessions bad"
    return [
        ("a bad day", bad),
        ("half-life of a bad day", f"{number(rules.half_life_days)} days"),
        ("greatest penalty of bad days", f"{number(rules.penalty)} of the index"),
    ]


def _service(rules: ServiceRules) -> str:
    models = ", ".join([*(f"{code(each.model)} for {cell(str(each))}" for each in rules.choices), code(rules.model)])
    about = facts(
        [("model", models), ("prior mean mu", number(rules.prior_mean)), ("bad below", number(rules.bad_below))],
        "value",
    )
    rows = [
        [
            code(item.column),
            item.segment,
            quantity(number(item.reference), item.unit),
            quantity(number(item.scale), item.unit),
            _DIRECTIONS[item.direction],
            cell(item.reason),
        ]
        for item in rules.references
    ]
    head = ["measurement", "charged to", "reference", "excess of 1", "effect", "reason"]
    return f"## Service {code(rules.name)}\n\n{about}\n{table(head, rows)}"


def _causes(rules: QualityCatalogue) -> str:
    lines = "\n".join(f"{segment:9}{pattern.pattern}" for segment, pattern in rules.failure_causes)
    about = "Whom a failure is charged to, by its cause: matched from the start, first match wins, case ignored."
    return f"## Failure causes\n\n{about}\n\n```\n{lines}\n```\n"


def _touchpoints(rules: QualityCatalogue) -> str:
    touchpoints = rules.touchpoints
    weights = ", ".join(f"{name} {number(weight)}" for name, weight in touchpoints.weights.items())
    about = facts(
        [
            ("weights", weights),
            ("prior mean mu", number(touchpoints.prior_mean)),
            ("bad below", number(touchpoints.bad_below)),
            ("worst number of transfers", number(touchpoints.worst_transfers)),
        ],
        "value",
    )
    rows = [
        [name, *(f"{number(anchors[0])}..{number(anchors[1])} s" for anchors in (channel.wait_s, channel.handle_s))]
        for name, channel in touchpoints.channels.items()
    ]
    return f"## Touchpoints\n\n{about}\n{table(['channel', 'waiting, best..worst', 'handling, best..worst'], rows)}"
