"""The running program: settings, wiring, pipeline, scheduler, command line, private database and demo world."""
