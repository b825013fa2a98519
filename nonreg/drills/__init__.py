"""High-availability drills: approved plan, faults, clients that account for writes, healing, record."""
