"""The parent of the web processes: their sockets, their replacement, and notices to systemd."""
