"""One script per peer, all with the same command line (see `common`)."""
