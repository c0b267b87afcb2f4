"""Starting the processes of one machine: set-up, preflight, broker configuration, web server, supervisor."""
