"""The security half of the layer: who somebody is, and what they may do.

- `identity`: users, realms, API keys and the subject that a request acts as;
- `builtin`: the roles that every cluster has;
- `store`: users, roles, keys and tokens, and what a subject's permissions are;
- `authenticate`: from headers to a subject;
- `actions`: from a method and path to Elasticsearch's action and index names;
- `authorise`: a subject's permissions against an action, with Elasticsearch's 403 texts;
- `narrow`: index expressions, cut down to what a subject may see;
- `guarded`: a backend that does all this for one subject;
- `api`, `principals`, `keys`: the `_security` endpoints.
"""
