"""Fetching and parsing on a Dask cluster; everything else stays where it is.

Only the title source changes. Each thread of the run asks ``ClusterTitleSource``
for its title and waits; the titles asked for are handed to workers some at a
time by each worker's ``Lane``s, read there by a ``Reader`` with the network layer and the
parser of this program, and come back as bytes (``wire``). ``Fleet`` knows who
belongs to it, sees to it that every worker can do the work, and divides the rate
limit anew whenever one comes or goes.

A Dask task costs some milliseconds of CPU, more than a page. So a task is
no title but a turn: it takes titles to a worker, and brings back those that are
ready, also ones taken there earlier. A slow title holds nobody up.
"""
