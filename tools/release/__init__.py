"""What a release consists of, and looks at it.

- `lockfile`: names, versions and hashes of a `requirements*.lock`
- `locks`: writes the locks, and checks that they come out the same again
- `licenses`: which licences may ship
- `sbom`: the bill of materials
- `audit`: known holes
- `dist`: wheel and sdist, the same bytes each time
"""
