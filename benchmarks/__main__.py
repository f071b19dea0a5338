"""All benchmarks, one after the other: `make bench`."""

import os

from benchmarks import commit, crawl, extraction, first_run, summary_refresh

for module in (extraction, crawl, commit, summary_refresh, first_run):
    print(f"\n{module.__name__} (load {os.getloadavg()[0]:.1f})", flush=True)
    for line in module.run():
        print(f"  {line}", flush=True)
