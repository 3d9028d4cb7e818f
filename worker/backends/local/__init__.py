"""Everything on one machine: a folder for the bucket, SQLite files for the queue and the documents."""
