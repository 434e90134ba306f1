"""Movies in three CSV files that are whole at every moment, whatever dies.

::

    movies.csv  people.csv  credits.csv     RFC 4180, UTF-8, CRLF; what the user sees
    .filmledger/csv.journal                 which generation they are, and how much of each is committed
    .filmledger/csv.names.<generation>      who named whom, where the files cannot tell (rarely there)
    .<table>.csv.<generation>               a new generation being written

A save appends whole rows to the three files, waits until the disk has them, and
then appends one record with the three new lengths to the journal: that record is
the commit. What lies behind the last record is the tail of a save that nobody was
told had succeeded, and is cut off on opening.

At the end of a run the files are written anew in their final order. The journal
that names the new generation is put in place in one step; from then on the new
files count, whether or not they have been given their names yet.
"""
