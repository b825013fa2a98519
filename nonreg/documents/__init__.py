"""Documents of the contract: drafts, what is missing in them, the gate of a delivery, delays, validation.

draft_file.py  a draft as a TOML file, written with what each field is, read strictly
blanks.py      what is still to be filled in
gate.py        why a delivery is not ready
minutes.py     delays of a relevé de décisions
urgent.py      delays of an urgent intervention
prefill.py     what tracker and ledger already know
validation.py  the sheet that is signed, validations and events in the ledger
"""
