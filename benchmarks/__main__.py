"""All benchmarks, one after the other: `make bench`. The load is printed with each: what else runs here shows in it."""

import os

from benchmarks import (
    bulk_import,
    commit,
    crawl,
    daily_run,
    dates,
    extraction,
    first_run,
    identifiers,
    near_duplicates,
    reads,
    reparse,
    simulated_year,
    summary_refresh,
    verify,
)

for module in (
    extraction,
    dates,
    simulated_year,
    crawl,
    commit,
    daily_run,
    bulk_import,
    reads,
    reparse,
    near_duplicates,
    identifiers,
    verify,
    summary_refresh,
    first_run,
):
    print(f"\n{module.__name__} (load {os.getloadavg()[0]:.1f})", flush=True)
    module.main()
