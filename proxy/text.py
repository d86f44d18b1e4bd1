"""Texts that others chose, made fit to be shown."""


def plain(text: str) -> str:
    """A text as it may be shown in a terminal: control characters, and those that turn the direction of text round,
    are escaped (`\\x1b`). What a client sent must neither move the cursor nor pass for a line of ours."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
