"""The data directory: its lock, the site that fills it, and the disks that pages and posters go to."""
