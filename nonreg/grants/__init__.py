"""What the campaign's two accounts need, and nothing else: manifest, script, check."""
