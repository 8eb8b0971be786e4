"""What is observed of reverse proxies other than nginx."""
