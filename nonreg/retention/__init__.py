"""How long things are kept, and the purge that leaves its own evidence.

settings.py    `retention.toml` of the governance folder: months by kind
items.py       what the runs' folder holds: sealed folders, runs, pages, delivered notes, alerts
protection.py  why a thing is kept although its time is over (pure)
facts.py       what protects, as ledger, baselines, waivers, tracker and locks say it
plan.py        what a purge would remove, and what it would not
purge.py       removing: the ledger first, then each thing whole; what a kill cut is finished by the next one
figures.py     the figures of removed runs, from which the history is rebuilt
"""
