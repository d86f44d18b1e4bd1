"""`startgate plan`: `ask` gets a plan from a running proxy, `show` puts it into words."""
