"""
## What a run does

`plan` → `approve` → `crawl` → `dedupe` → `check` → `commit` → `publish`, then the archive's asset event starts
`summaries`. `plan` and `approve` matter where days are asked for; a run that reads what is new passes them at once.
Only the path of the landing and figures travel between the tasks. Each task has a page of its own: click the task,
then the book.

| Started by | Reads |
|---|---|
| schedule | what is new since the last crawl |
| *Trigger*, form left as it is | the same, now |
| *Trigger* with *Since* / *Until* | the threads of these days (below) |
| *Trigger* with *Read everything again* | known, unchanged threads too |
| *Backfill* | the threads of each day of the range, one run a day |

**The threads of some days:** those that have a post on or after *Since* and were opened before *Until* (days in UTC),
and that are not known to be unchanged since they were last read. Everything on the pages that are read is kept, so
neighbouring posts come along. On Reddit the days are those of the submissions, as its API lists by submission date.
A backfill does not read known, unchanged threads again: over days that the archive has, its runs are green and add
nothing, and the log of `crawl` says so. Of a long thread, only the pages of these days are read; a later crawl of
what is new reads the rest.

**Before days are read**, `plan` says in its log what they cost: boards, threads, pages, requests, hours, what is held
already. It searches for the first and last pages of the range, and fetches little. Where the plan comes to more
requests than *Ask above* (by default 1,000, or `MEDTHREADS_APPROVE_ABOVE`), `approve` waits for a person: the run shows
*Required Actions*, with the plan. *Approve* begins the crawl; *Reject*, or no answer within 24 hours, skips the rest.

## Backfill

Button *Trigger* → *Backfill*: choose the days, leave *Max active runs* at 1 (a host is crawled by one run at a
time in any case), *Run Backfill*. Only one backfill of a DAG runs at a time. The same from a shell:
`airflow backfill create --dag-id crawl_<site> --from-date 2026-01-01 --to-date 2026-01-31 --max-active-runs 1`.

## When it fails

Open the red task's log: **the last lines are one sentence that says what happened and what to do**, then the exit code.

| Exit code | Meaning | Tried again? | To do |
|---|---|---|---|
| 1 | unforeseen: killed, took too long, a defect of ours | yes | if it comes again: tell a developer |
| 2, 3 | unknown site, or its file has a fault or a private address | no | correct the file, clear the task |
| 4 | paused: contact or credentials missing (the task is *skipped*) | no | set what the sentence names |
| 5, 6 | the archive's folder cannot be used, or its key is missing | no | put it back; never make a new key |
| 7 | disk full | yes | make room; nothing is lost |
| 8 | another crawl of the same host is running | yes | nothing, or end the other one |
| 9 | it stood still, and another crawl took its place | no | nothing: the other one goes on with its pages |
| 10 | the site refuses us | yes, slowly | if it stays: pause the DAG, write to the site |
| 11 | the site shows this to members only | no | remove the board from the site file |
| 12 | the layout has changed, or this is no forum | no | a developer: the pages are in the landing |
| 13, 14 | the site lists nothing, or does not answer | yes | look at the site in a browser |
| 15 | a check did not hold: landed, not published | no | see the log of `check`, correct, clear `check` |
| 16 | the archive is damaged (`medthreads verify`) | no | the DAG `maintenance` says which file |
| 130 | stopped | yes | nothing: the next try goes on from there |

A `plan` or `crawl` that stays *scheduled* waits in its host's pool (*Admin* → *Pools*) for another crawl of that host.
An `approve` that *awaits input* waits for you. The red *Triggerer* on the home page means nothing: there is none, and
none is needed, for approvals neither.

Clearing a task never fetches twice what its landing holds, and never commits twice.
"""

from airflow.sdk import DAG

from crawler.site import usable_sites
from medthreads.dag_factory import crawl_dag

dags: dict[str, DAG] = {}
for site in usable_sites()[0].values():
    dags[site.name] = crawl_dag(site, guide=__doc__ or "")
globals().update({f"crawl_{name}": dag for name, dag in dags.items()})
