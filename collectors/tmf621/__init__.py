"""Trouble tickets of TM Forum TMF621 over HTTP, versions 4 and 5: a listener for events, and polling of a server."""
