"""Network counters to KPIs: the catalogue as data, its formula language and the engine."""
