"""High-availability drills (DOMAIN §2.4): disruptive, by approved plan only."""
