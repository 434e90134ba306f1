"""The data directory: its lock, its site, and the disks for pages and posters."""
