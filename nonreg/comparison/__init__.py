"""Two copies of one table compared: checksums by slice, computed by the servers; then only the rows that differ."""
