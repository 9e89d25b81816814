"""Where photographs come from: folders, zips, lists. Nothing here copies a photograph into the repository."""
