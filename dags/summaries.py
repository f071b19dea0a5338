"""
# Summaries

Activity figures (per day and board: threads, posts, authors, reply delays) and thread digests, recomputed only where
their input has changed. They are files in the archive's folder `summaries/`, and the views `activity` and `digests`
of `medthreads sql`.

**Started by** the event that the last task of every crawl emits on the asset `medthreads_archive`: scheduled runs,
manual runs and backfills alike. The run's partition, `site|day`, says which site. *Trigger* refreshes all sites.

**Leave this DAG switched on**: events that arrive while it is paused are lost. If that has happened, trigger it once.

**When it fails**, nothing is lost either: the archive is complete without summaries. The last line of the log says
why; clear the task when the cause is mended.
"""

from airflow.sdk import DAG

from medthreads.dag_factory import summaries_dag

summaries: DAG = summaries_dag(guide=__doc__ or "")
