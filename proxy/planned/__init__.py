"""`startgate plan` and `startgate explain`: `ask` gets a plan or an explanation from a running proxy, `show` and
`explained` put them into words."""
