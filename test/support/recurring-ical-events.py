"""Answers what calendars mean, by Debian's python3-recurring-ical-events.

One JSON object a line on standard input: {"ics", "from", "to", "zone"}; days as YYYY-MM-DD, `to` not
included. One a line on standard output: {"occurrences": [{"start", "end", "all_day", "title", "uid"}]},
on the wall of `zone`, or {"error"}. Cancelled events are left out.
"""
import datetime
import json
import signal
import sys

import icalendar
import pytz
import recurring_ical_events

# The library decides at the edges of a window before it has applied the zone: it is asked for more days.
MARGIN = datetime.timedelta(days=8)
SECONDS_MAX = 1
# dateutil looks for the next time of a rule up to this year: 9999, which takes minutes for some.
datetime.MAXYEAR = 2031


def on_wall(value, zone):
    """The value as a datetime without a zone: days begin at midnight, floating times stay."""
    if not isinstance(value, datetime.datetime):
        return datetime.datetime(value.year, value.month, value.day)
    return value if value.tzinfo is None else value.astimezone(zone).replace(tzinfo=None)


def occurrences(question):
    zone = pytz.timezone(question["zone"])
    first = datetime.datetime.fromisoformat(question["from"])
    end = datetime.datetime.fromisoformat(question["to"])
    calendar = icalendar.Calendar.from_ical(question["ics"])
    span = (pytz.UTC.localize(first - MARGIN), pytz.UTC.localize(end + MARGIN))
    for event in recurring_ical_events.of(calendar).between(*span):
        start_value = event["DTSTART"].dt
        start, stop = on_wall(start_value, zone), on_wall(event["DTEND"].dt, zone)
        if not (start < end and (stop > first or start == stop and start >= first)):
            continue
        if str(event.get("STATUS", "")) == "CANCELLED":
            continue
        all_day = not isinstance(start_value, datetime.datetime)
        yield {
            "start": start.isoformat(),
            "end": stop.isoformat(),
            "all_day": all_day,
            "title": str(event.get("SUMMARY", "")),
            "uid": str(event.get("UID", "")),
        }


def too_slow(*_):
    raise TimeoutError(f"took longer than {SECONDS_MAX} s")


signal.signal(signal.SIGALRM, too_slow)
for line in sys.stdin:
    signal.setitimer(signal.ITIMER_REAL, SECONDS_MAX)
    try:
        answer = {"occurrences": list(occurrences(json.loads(line)))}
    except Exception as error:  # whatever the library raises is its answer
        answer = {"error": f"{type(error).__name__}: {error}"}
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(json.dumps(answer), flush=True)
