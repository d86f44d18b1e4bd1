import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.embedded.core import dates
from proxy.embedded.core.failure import ElasticError

DAY = 1_704_067_200_000  # 2024-01-01T00:00:00Z


@pytest.mark.parametrize(
    ("text", "format", "millis"),
    [
        ("2024-01-01", dates.DEFAULT, DAY),
        ("2024", dates.DEFAULT, DAY),
        ("2024-01", dates.DEFAULT, DAY),
        ("2024-01-01T10", dates.DEFAULT, DAY + 36_000_000),
        ("2024-01-01T10:30", dates.DEFAULT, DAY + 37_800_000),
        ("2024-01-01T10:30:15", dates.DEFAULT, DAY + 37_815_000),
        ("2024-01-01T10:30:15.123456789Z", dates.DEFAULT, DAY + 37_815_123),
        ("2024-01-01T10:30:15,5", dates.DEFAULT, DAY + 37_815_500),
        ("2024-01-01T01:00:00+01:00", dates.DEFAULT, DAY),
        ("2023-12-31T23:00:00-0100", dates.DEFAULT, DAY),
        ("1704067200000", dates.DEFAULT, DAY),
        ("1704067200", "epoch_second", DAY),
        ("1704067200.5", "epoch_second", DAY + 500),
        ("2001/01/01 06:55", "yyyy/MM/dd HH:mm", 978_332_100_000),
        ("01.02.2024", "dd.MM.yyyy||yyyy", DAY + 31 * 86_400_000),
        ("2024", "dd.MM.yyyy||yyyy", DAY),
        ("24-1-2", "yy-M-d", DAY + 86_400_000),
        ("1 Jan 2024", "d MMM yyyy", DAY),
        ("2024-01-01 01:05 PM", "yyyy-MM-dd hh:mm a", DAY + 47_100_000),
        ("2024-01-01 12:05 am", "yyyy-MM-dd hh:mm a", DAY + 300_000),
        ("20240101", "basic_date", DAY),
        ("2024-01-01T00:00:00.000Z", "strict_date_time", DAY),
        ("2024-01-01", "yyyy-MM-dd[ HH:mm]", DAY),
        ("2024-01-01 01:00", "yyyy-MM-dd[ HH:mm]", DAY + 3_600_000),
        ("at 2024", "'at' yyyy", DAY),
        ("2024-01-01 00:00:00.25 +02:00", "yyyy-MM-dd HH:mm:ss.SS XXX", DAY - 7_200_000 + 250),
    ],
)
def test_dates_that_parse(text: str, format: str, millis: int) -> None:
    assert dates.parse(text, format) == millis


@pytest.mark.parametrize(
    ("value", "format", "why"),
    [
        ("foo", dates.DEFAULT, "Failed to parse with all enclosed parsers"),
        (True, dates.DEFAULT, "Failed to parse with all enclosed parsers"),
        ("2024-13-01", dates.DEFAULT, "Failed to parse with all enclosed parsers"),
        ("x", "epoch_millis", "Failed to parse with all enclosed parsers"),
        ("1.x", "epoch_second", "Failed to parse with all enclosed parsers"),
        ("2024-01-01", "yyyy/MM/dd", "Text '2024-01-01' could not be parsed at index 4"),
        (
            "2024/01/01 10:00",
            "yyyy/MM/dd",
            "Text '2024/01/01 10:00' could not be parsed, unparsed text found at index 10",
        ),
        ("2024/13/01", "yyyy/MM/dd", "Text '2024/13/01' could not be parsed"),
    ],
)
def test_dates_that_do_not(value: object, format: str, why: str) -> None:
    with pytest.raises(ElasticError) as caught:
        dates.parse(value, format)
    text = str(value).lower() if isinstance(value, bool) else value
    assert caught.value.reason == f"failed to parse date field [{text}] with format [{format}]"
    assert caught.value.cause is not None
    assert caught.value.cause.reason == why


@pytest.mark.parametrize(
    ("format", "why"),
    [
        ("b", "Unknown pattern letter: b"),
        ("", "No date pattern provided"),
        ("yyyy]", "Pattern invalid as it contains ]"),
        ("yyyy||jj", "Unknown pattern letter: j"),
    ],
)
def test_formats_that_do_not_exist(format: str, why: str) -> None:
    with pytest.raises(ElasticError) as caught:
        dates.check(format)
    assert caught.value.reason.startswith(f"Invalid format: [{format}]: {why}")


@pytest.mark.parametrize(
    ("millis", "format", "wanted"),
    [
        (DAY, dates.DEFAULT, "2024-01-01T00:00:00.000Z"),
        (DAY + 1, "epoch_millis", str(DAY + 1)),
        (DAY, "epoch_second", "1704067200"),
        (DAY + 37_815_250, "yyyy/MM/dd HH:mm:ss.SS", "2024/01/01 10:30:15.25"),
        (DAY, "yy-M-d h a", "24-1-1 12 AM"),
        (DAY, "d MMM yyyy, EEE", "1 Jan 2024, Mon"),
        (DAY, "MMMM 'in' yyyy['!'] XXX", "January in 2024! Z"),
        (-1, dates.DEFAULT, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_dates_as_shown(millis: int, format: str, wanted: str) -> None:
    assert dates.render(millis, format) == wanted


@given(
    st.integers(-60_000_000_000_000, 4_000_000_000_000),
    st.sampled_from([dates.DEFAULT, "epoch_millis", "yyyy-MM-dd HH:mm:ss.SSS", "basic_date_time"]),
)
def test_what_is_shown_reads_back(millis: int, format: str) -> None:
    assert dates.parse(dates.render(millis, format), format) == millis
