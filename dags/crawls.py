"""
## What a run does

`crawl` → `dedupe` → `check` → `commit` → `publish`, then the archive's asset event starts **Summaries**.
Only the path of the landing and figures travel between the tasks. Each task has a page of its own: click the task,
then the book.

| Started by | Reads |
|---|---|
| schedule | what is new since the last crawl |
| *Trigger*, form left as it is | the same, now |
| *Trigger* with *Since* / *Until* | posts of these days (UTC; *Until* is not included) |
| *Trigger* with *Read everything again* | every thread, also those that have not moved |
| *Backfill* | the posts of each day of the range, one run a day |

## Backfill

Button *Trigger* → *Backfill*: choose the days, leave *Max active runs* at 1 (a host is crawled by one run at a
time in any case), *Run Backfill*. Only one backfill of a DAG runs at a time. The same from a shell:
`airflow backfill create --dag-id crawl_<site> --from-date 2026-01-01 --to-date 2026-01-31 --max-active-runs 1`.

## When it fails

Open the red task's log: **the last lines are one sentence that says what happened and what to do**, then the exit code.

| Exit code | Meaning | Tried again? | To do |
|---|---|---|---|
| 2, 3 | unknown site, or a site file that cannot be used | no | correct the site file, clear the task |
| 4 | paused: contact or credentials missing (the task is *skipped*) | no | set what the sentence names |
| 5, 6 | the archive's folder cannot be used, or its key is missing | no | put it back; never make a new key |
| 7 | disk full | yes | make room; nothing is lost |
| 8 | another crawl of the same site is running | yes | nothing, or end the other one |
| 10 | the site refuses us | yes, slowly | if it stays: pause the DAG, write to the site |
| 11 | the site shows this to members only | no | remove the board from the site file |
| 12 | the layout has changed, or this is no forum | no | a developer: the pages are in the landing |
| 13, 14 | the site lists nothing, or does not answer | yes | look at the site in a browser |
| 15 | a check did not hold: landed, not published | no | see the log of `check`, correct, clear `check` |
| 130 | stopped | yes | nothing: the next try goes on from there |

Clearing a task never fetches twice what its landing holds, and never commits twice.
"""

from airflow.sdk import DAG

from crawler.site import usable_sites
from medthreads.dag_factory import crawl_dag

dags: dict[str, DAG] = {}
for site in usable_sites()[0].values():
    dags[site.name] = crawl_dag(site, guide=__doc__ or "")
globals().update({f"crawl_{name}": dag for name, dag in dags.items()})
