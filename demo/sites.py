"""Site files for the demo sites, as `medthreads crawl` and the DAG factory read them."""

from pathlib import Path

import yaml

from demo.plan import BOARDS
from demo.reddit_world import SUBREDDITS

FORUM, REDDIT = "demoforum", "demoreddit"


def demo_sites(forum_url: str, reddit_url: str, folder: Path) -> list[Path]:
    """Writes `demoforum.yaml` and `demoreddit.yaml` into the folder (made if absent); gives their paths.

    The API's client id and secret are `demo` and `demo`, in DEMOREDDIT_CLIENT_ID and DEMOREDDIT_CLIENT_SECRET.
    """
    files: dict[str, dict[str, object]] = {
        FORUM: {
            "name": FORUM,
            "url": f"{forum_url}/",
            "engine": "xenforo2",
            "title": "Bedside Board (demo)",
            "why": "An invented forum of invented physicians, served on this machine to show and test the crawler.",
            "delay": 0,
            "allow_private_addresses": True,
            "expect": {"boards": len(BOARDS), "threads": 20, "posts": 100},
            "tags": ["demo"],
        },
        REDDIT: {
            "name": REDDIT,
            "url": f"{reddit_url}/",
            "engine": "reddit",
            "title": "Reddit-like API (demo)",
            "why": "An invented site with Reddit's API, served on this machine to show and test the crawler.",
            "boards": [f"r/{subreddit.name}" for subreddit in SUBREDDITS],
            "delay": 0,
            "allow_private_addresses": True,
            "credentials": REDDIT,
            "expect": {"boards": len(SUBREDDITS), "threads": 20, "posts": 100},
            "tags": ["demo"],
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, declared in files.items():
        path = folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(declared, sort_keys=False, width=120), encoding="utf-8")
        paths.append(path)
    return paths
