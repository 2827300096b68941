"""ONAP VES events, versions 5 to 7: performance measurements as counters, faults as alarms."""
