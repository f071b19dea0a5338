"""Shows site files that cannot be used as an import error in Airflow's UI, while the DAGs of all other sites go on."""

from crawler.errors import SiteFileError
from crawler.site import usable_sites

faults = usable_sites()[1]
if faults:
    raise SiteFileError("\n".join(map(str, faults))) from None
