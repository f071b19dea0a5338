"""Crawl throughput and memory: everything on (WARC, parse, stage, receipt) against a bare Scrapy spider that fetches
the same pages from the same server and does nothing with them. Delay 0, loopback, each run in a process of its own.

    python -m benchmarks.crawl [pages of the small world] [pages of the large world]
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PAGES_PER_THREAD = 1.2
"""Thread and board pages of the demo forum, by its number of threads (measured)."""
ROUNDS = 3

CLOCK = """
import resource, time

def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime

def figures(**counts):
    # Not ru_maxrss: it begins at the size of the process that started this one.
    memory = int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) / 1024
    print(json.dumps({**counts, "seconds": time.time() - began, "cpu": cpu() - used, "megabytes": memory}))
"""

BARE = """
import json, sys
import scrapy
from scrapy.crawler import CrawlerProcess

class Bare(scrapy.Spider):
    name = "bare"

    async def start(self):
        for url in open(sys.argv[1]).read().split():
            yield scrapy.Request(url, dont_filter=True)

    def parse(self, response):
        pass

began, used = time.time(), cpu()
process = CrawlerProcess({"LOG_ENABLED": False, "CONCURRENT_REQUESTS": 8, "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
    "TELNETCONSOLE_ENABLED": False, "COOKIES_ENABLED": False, "HTTPERROR_ALLOW_ALL": True})
crawler = process.create_crawler(Bare)
process.crawl(crawler)
process.start()
figures(pages=crawler.stats.get_value("response_received_count"))
"""

OURS = """
import json, os, sys
from pathlib import Path
from crawler.crawl import crawl_site
from crawler.site import load_site
from crawler.state import CrawlScope, SiteState

began, used = time.time(), cpu()
receipt = crawl_site(load_site(Path(sys.argv[1])), Path(sys.argv[2]), SiteState(), CrawlScope(), os.environ)
assert receipt.difference == 0, receipt
figures(pages=receipt.requests, posts=receipt.posts)
"""


def measure(script: str, *arguments: str) -> dict[str, Any]:
    """Runs a script in a process of its own; the figures that it prints."""
    command = [sys.executable, "-c", CLOCK + script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


@contextmanager
def demo(threads: int, folder: Path) -> Iterator[Path]:
    """A demo forum of that many threads, its clock standing; yields its site file."""
    command = [sys.executable, "-m", "medthreads.cli", "demo", "serve", "--threads", str(threads), "--speed", "0"]
    ports = ["--forum-port", "0", "--reddit-port", "0", "--sites-folder", str(folder)]
    with subprocess.Popen([*command, *ports], stdout=subprocess.DEVNULL) as server:
        try:
            site = folder / "demoforum.yaml"
            while not site.exists():
                time.sleep(0.1)
            yield site
        finally:
            server.terminate()


def compare(threads: int, rounds: int) -> Iterator[str]:
    """Best of some rounds of each; a line of the report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with demo(threads, folder) as site:
            ours = [measure(OURS, str(site), str(folder / f"landing{number}")) for number in range(rounds)]
            urls = folder / "urls.txt"
            urls.write_text("\n".join(landed_urls(folder / "landing0")))
            bare = [measure(BARE, str(urls)) for _ in range(rounds)]
    rates = [max(run["pages"] / run["seconds"] for run in runs) for runs in (ours, bare)]
    cpu = [min(run["cpu"] / run["pages"] * 1000 for run in runs) for runs in (ours, bare)]
    memory = [max(run["megabytes"] for run in runs) for runs in (ours, bare)]
    yield (
        f"crawl of {ours[0]['pages']:,} demo pages, {ours[0]['posts']:,} posts, start of Scrapy included: "
        f"{rates[0]:,.0f} pages/s, bare spider {rates[1]:,.0f}, ratio {rates[0] / rates[1]:.2f}; "
        f"CPU {cpu[0]:.1f} ms a page, bare {cpu[1]:.1f}, ratio {cpu[1] / cpu[0]:.2f}; "
        f"peak memory {memory[0]:.0f} MB, bare {memory[1]:.0f}"
    )


def landed_urls(folder: Path) -> list[str]:
    """Every address that a landing holds an answer of."""
    from crawler.warc import read_exchanges

    return [exchange.url for path in sorted(folder.glob("*.warc.gz")) for _, exchange in read_exchanges(path)]


def main(small: int = 2_000, large: int = 10_000) -> None:
    """Prints a line for each size, as it is measured."""
    for threads, rounds in ((small / PAGES_PER_THREAD, ROUNDS), (large / PAGES_PER_THREAD, 1)):
        for line in compare(int(threads), rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
