"""Alerts: facts that somebody must know of, each told once by mail and webhook.

    evidence, Prefect's API, deadlines → facts (pure) → outbox on disk → mail, webhook

A watch of its own (`python -m nonreg.alerts watch`) sees what no flow could tell: its worker or its server gone.
"""
