"""The weekly review and the monthly COPIL, computed from values alone.

settings.py    words of the tracker, delays, forfait: `steering.toml` of the governance folder
periods.py     which week, which months
stories.py     what became of a ticket, and when
tickets.py     delays, volumes, backlog, reopenings, anomalies
forfait.py     days used, and where they lead
health.py      the non-regression campaigns
continuity.py  runbooks, and how soon a renfort is operational
watch.py       what is due, about to end, or still to do
pack.py        all of it together, against the last pack
"""
