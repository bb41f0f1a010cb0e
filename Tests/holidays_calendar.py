"""Writes the public holidays of 20 countries, 2020 to 2030, as iCalendar files, one for each country.

Usage: holidays_calendar.py MODULES DIRECTORY, where MODULES is a directory with the package holidays (PyPI).
Each event's UID is its country and date, so that two versions of the package differ as two exports of one calendar do.
"""

import os
import sys

sys.path.insert(0, sys.argv[1])
import holidays  # noqa: E402

COUNTRIES = "AR AT AU BR CA CN DK GB IL IN IT NL NO NZ PT RU SE SG TR US".split()


def escaped(text):
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def folded(line):
    """RFC 5545, section 3.1: at most 75 octets a line; the rest follows behind a space."""
    octets = line.encode()
    parts = []
    while octets:
        size = 75 if not parts else 74
        while len(octets) > size and octets[size] & 0xC0 == 0x80:
            size -= 1
        parts.append(octets[:size])
        octets = octets[size:]
    return b"\r\n ".join(parts) + b"\r\n"


os.makedirs(sys.argv[2])
for country in COUNTRIES:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//holidays//{holidays.__version__}//EN"]
    for date, name in sorted(holidays.country_holidays(country, years=range(2020, 2031)).items()):
        lines += [
            "BEGIN:VEVENT",
            f"UID:{country}-{date:%Y%m%d}@holidays.example",
            # When the file was written: other in each export.
            f"DTSTAMP:20260101T{int(holidays.__version__.split('.')[1]):06}Z",
            f"DTSTART;VALUE=DATE:{date:%Y%m%d}",
            f"SUMMARY:{escaped(name)}",
            f"CATEGORIES:{country}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    with open(os.path.join(sys.argv[2], f"{country}.ics"), "wb") as file:
        file.writelines(folded(line) for line in lines)
