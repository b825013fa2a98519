"""An installation: Prefect server, workers, deployments and embedded platform, started and stopped as one.

`python -m nonreg.service up` for this machine, its single commands for systemd units and containers. The engine is
Prefect's: nothing here schedules or restarts anything.
"""
