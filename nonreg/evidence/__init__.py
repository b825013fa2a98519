"""Evidence that verifies: what a produced folder holds, sealed in a manifest whose hash is a line of the ledger.

files.py       which files of a folder count, and their hashes
manifest.py    the manifest, written and read strictly
chain.py       manifests in the ledger's lines: which is the last of a thing, which one came before (pure)
seal.py        seal a folder
interrupted.py what a kill left between the ledger and its place
pages.py       readiness pages, whose line holds the hashes of their files
archive.py     a zip read without trusting it, and one written always the same
export.py      a zip that verifies on another machine
explain.py     why a folder is not what was sealed (pure)
folders.py     where the sealed folders are
verify.py      what is wrong with a folder, a zip or a whole runs' folder
signatures.py  who signed: genuine or forged, known here or not
"""
