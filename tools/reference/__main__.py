"""`python -m tools.reference`: write every file that is made from the code."""

from tools.reference.files import ROOT, made

for path, text in made().items():
    (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / path).write_text(text)
    print(path)
