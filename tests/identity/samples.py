"""Hashes that Elasticsearch's own `Hasher` (8.15.3) wrote, with their passwords; and people made of them."""

from pathlib import Path

from proxy.identity.hashes import StoredHash, read_hash
from proxy.rules.load import load
from proxy.rules.seal import sealed

SHIPPED = Path(__file__).parents[2] / "rules"

WORD = "s3cr3t-word"
WIDE = "pä ss:€"
BCRYPT4 = "$2a$04$PUfyErAwqmY/bevsWQog0.Rylba0mdWnnf/3A1tlYtQxY47iLG3mS"
PBKDF2 = "{PBKDF2}1000$sderxL0PjlDR5PMkypjHA1ISOb+au1W4B44hCVSpqL8=$07RtoD/w+4bA+1i4UAdFiAAhzPddOeHP9wjI1430cRI="
STRETCHED = (
    "{PBKDF2_STRETCH}1000$gILEzWBxIhOAdDZRpA+6+slHqMGWu/Pm1Y1nRthtzak=$dHt4bex/FD/SGD5Pj7H+Qd3EsIJoE18g3ymtMWMl3sM="
)
# Each hash and the password that it is of.
WRITTEN = {
    "$2a$10$rgBi.5P8Pl5qsCQ6nAcuwe/J5DZbq6yoaLOVWo1bo/Lff9Z2fVZOy": WORD,
    BCRYPT4: WIDE,
    "$2a$04$/RSq.pWdZDAR8.kcvcjRBuVAHhIhJO8/.51xQdU386.zoSRPK5WWS": "x" * 80,
    PBKDF2: WORD,
    "{PBKDF2}10000$rIRHQmjPVewHaAGoVr6SFXaNID2Exekt6h/gjKeBMas=$XldqN3jNrwK0R+/q6iHZknOsjf4OHwIfzqrzzQNBAXs=": WIDE,
    "{PBKDF2}1000$flMa0VInyuz0Ykeb3GZZPNBTmOuDthj0jtPxVZgKGNo=$RsL5Wr0H8JSz2AEX4KOe8T3v1VCaWwRQNTgp/ao9HE4=": "x" * 200,
    STRETCHED: WORD,
    "{PBKDF2_STRETCH}10000$wpWDshreSTGX7ynbAtkOwm2eigUA0o5z0TjckNjDF3I=$v5GKyeRdfmmB6yseBf0/ZKt8TLuJNFa89+fkJ0VKMVc=":
        WIDE,
    "{PBKDF2_STRETCH}50000$jBGR7zkG81yFK/pTrn1+5jSGgeGrz9Yl2CZe1Y5BmV4=$Hv+JefroCVyCw5d1eIeEjeugtvCnSyWeqjJaQj2qwpI=":
        WORD,
}  # fmt: skip

USERS_FILE = f"# made up\nann:{PBKDF2}\nbob:{BCRYPT4}\n"
ROLES_FILE = "analyst:ann,bob\nreader: bob , carl\n"


def users() -> dict[str, StoredHash]:
    """ann with WORD, bob with WIDE."""
    return {"ann": read_hash(PBKDF2), "bob": read_hash(BCRYPT4)}


def rules_by_roles(folder: Path) -> Path:
    """A rule file under authority roles, sealed: analysts may read flights and make flights-out. It is written into
    `folder`, with its role file."""
    (folder / "roles.yml").write_text(
        "analyst:\n"
        "  cluster: [manage_ml]\n"
        "  indices:\n"
        "    - {names: [flights], privileges: [read, view_index_metadata]}\n"
        "    - {names: [flights-out], privileges: [read, create_index, manage, index]}\n"
    )
    text = (SHIPPED / "start.yml").read_text().replace("authority: cluster", "authority: roles")
    path = folder / "start.yml"
    path.write_text(text + "\nroles: [roles.yml]\n")
    path.write_text(sealed(path.read_text(), load(path, draft=True).seal))
    return path
