"""Fetches and parses titles on a Dask cluster; everything else stays in the program.

Only the title source differs from other runs. Each thread of the run requests its title from
``ClusterTitleSource`` and waits. A ``WorkerDispatcher`` sends titles in batches to its worker,
where a ``TitleReader`` reads them with the network layer and the parser of this program; results
come back as bytes (``pending``). ``WorkerPool`` tracks the workers, prepares new ones, and divides
the rate limit again when a worker comes or goes.

A Dask task costs some milliseconds of CPU, more than a page. Therefore a task is not a title but
a batch: it brings titles to a worker and returns those that are ready, also titles of earlier
batches. A slow title does not delay others.
"""
