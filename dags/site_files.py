"""Shows a site file that cannot be used as an import error in Airflow's UI, while the DAGs of all other sites go on."""

from crawler.site import registry

registry()
