"""Campaign scenarios, one file per subject; run by pytest through `nonreg.plan`, never by a bare pytest."""
