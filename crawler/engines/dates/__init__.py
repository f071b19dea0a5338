"""Dates as forums word them in their own time ("Yesterday, 08:15 AM", "14. Nov 2015, 23:10"), as instants.

A date in words is an instant only where three things are known: which day it means (relative words need the time of the
fetch; "03/04/2015" needs an order of day and month that the page itself proves), the clock time, and the zone that the
page states for its times. Where one is missing there is no instant: the caller keeps the words in `created_text`.
"""

from crawler.engines.dates.local import LocalDates
from crawler.engines.dates.page_clock import clock_zone, day_first_by_clock
from crawler.engines.dates.zones import zone_of

__all__ = ["LocalDates", "clock_zone", "day_first_by_clock", "zone_of"]
