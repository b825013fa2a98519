"""What is held about a person: found, exported, and erased where nothing sealed it.

terms.py    the writings of a person's name, accounts, mails and numbers (pure)
places.py   what each file is: sealed until when, waiting, or free to be rewritten
traces.py   the files that hold them
export.py   everything that is held, as values
erase.py    names replaced by the id, in people file and unsealed files; the ledger keeps the id alone
"""
