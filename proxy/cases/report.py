"""Results for people, and for machines as JUnit XML (the form that CI systems read)."""

from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree

from rich.text import Text

from proxy.cases.coverage import Covered
from proxy.cases.run import Result
from proxy.text import plain

# XML 1.0 §2.2 knows no other characters, not even escaped.
_XML_OTHER = {"\t", "\n", "\r"}


def lines(results: Sequence[Result]) -> Iterator[Text]:
    """One line a case, with each difference below it, and a last line that counts."""
    for result in results:
        yield _headline(result)
        for difference in result.differences:
            for line in difference.splitlines():
                yield Text(f"    {plain(line)}")
    yield Text(summary(results), style="bold")


def _headline(result: Result) -> Text:
    word, style = ("skipped", "yellow") if result.skipped is not None else ("ok", "green")
    if result.differences:
        word, style = "failed", "red"
    reason = f" ({plain(result.skipped)})" if result.skipped else ""
    place = f"  {result.case.origin}" if result.differences else ""
    return Text.assemble((f"{word:<8}", style), plain(result.case.name), reason, (place, "dim"))


def summary(results: Sequence[Result]) -> str:
    """How many passed, failed and were skipped."""
    failed = sum(1 for result in results if result.differences)
    skipped = sum(1 for result in results if result.skipped is not None)
    return f"{len(results) - failed - skipped} passed, {failed} failed, {skipped} skipped"


def covered_lines(covered: Iterable[Covered]) -> Iterator[Text]:
    """One line a rule: which of its two sides no case has seen."""
    for one in covered:
        lacking = [word for word, seen in (("for", one.passed), ("against", one.against)) if not seen]
        told = "both sides tried" if not lacking else f"never seen to speak {' or '.join(lacking)} a start"
        yield Text.assemble((f"{one.place}  ", "dim"), one.name, ": ", (told, "green" if one.full else "yellow"))


def junit(results: Sequence[Result]) -> bytes:
    """A `testsuites` document with a suite a file."""
    root = ElementTree.Element("testsuites", _counts(results))
    for file in dict.fromkeys(result.file for result in results):
        of_file = [result for result in results if result.file == file]
        suite = ElementTree.SubElement(root, "testsuite", {"name": _clean(file), **_counts(of_file)})
        for result in of_file:
            _add_case(suite, result)
    encoded: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return encoded


def _counts(results: Sequence[Result]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(1 for result in results if result.differences)),
        "skipped": str(sum(1 for result in results if result.skipped is not None)),
        "errors": "0",
    }


def _add_case(suite: ElementTree.Element, result: Result) -> None:
    origin = result.case.origin
    attributes = {"name": _clean(result.case.name), "classname": _clean(result.file), "file": _clean(origin.file)}
    case = ElementTree.SubElement(suite, "testcase", {**attributes, "line": str(origin.line)})
    if result.skipped is not None:
        ElementTree.SubElement(case, "skipped", {"message": _clean(result.skipped)})
    if result.differences:
        text = _clean("\n".join(result.differences))
        ElementTree.SubElement(case, "failure", {"message": text.partition("\n")[0]}).text = text


def _clean(text: str) -> str:
    return "".join(char if char in _XML_OTHER or (char >= " " and _in_xml(char)) else "\ufffd" for char in text)


def _in_xml(char: str) -> bool:
    return not ("\ud800" <= char <= "\udfff" or char in "\ufffe\uffff")
