"""Who asks, told by Startgate itself: for a cluster without security, where nobody else can tell.

Off unless `identity` stands in the configuration; then the cluster is never asked who somebody is.

- `names`         what may be a user's or role's name; the realms, under names that no realm of a cluster may have
- `hashes`        password hashes as Elasticsearch's `Hasher` writes them: bcrypt, PBKDF2
- `userfiles`     the `users` and `users_roles` files of a file realm, with every fault
- `certificates`  from a verified certificate to a user name, by the configured rule
- `header`        the header of an authenticating front, believed from named peers only
- `guesses`       how many failures a peer may have
- `conflicts`     what of the rules does not go with an identity of our own
- `load`          reads the files
- `passwords`     verifies passwords in threads, remembers those that were right for a short time
- `own`           joins them: one start's caller and secondary

All but the last three are pure. See docs/identity.md and docs/decisions/090-one-way-names-the-caller.md.
"""
