"""The demo sites: a live forum in XenForo 2.3 markup and a Reddit-like API, both invented, with a clock to set."""
