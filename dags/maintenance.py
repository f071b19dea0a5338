"""
# Upkeep of the archive

`maintenance`, once a day: **verify** that every file is as it was written and the tables agree, then put small files
together, delete what was replaced or left over, apply the retention of landings (`MEDTHREADS_LANDING_DAYS`, without
which all are kept), and record checksums that are missing. It may run while sites are crawled: no commit waits for
more than one partition, and none is lost.

`purge`, every hour: takes out what was deleted at its source, of the sites whose terms ask for that within 48 hours.

**When `verify` fails** (code 16), the archive is not as it was written: a disk, a copy or a person changed something.
Its log names each file, and says what to do; docs/integrity.md goes through them. The other tasks wait until it is
mended: clear `verify`. Crawls may go on unless the log says otherwise.

**Leave both DAGs switched on.** Nothing is lost while they are off, but deletions are then not purged in time.
"""

from airflow.sdk import DAG

from medthreads.dag_factory import maintenance_dag, purge_dag

maintenance: DAG = maintenance_dag(guide=__doc__ or "")
purge: DAG = purge_dag(guide=__doc__ or "")
