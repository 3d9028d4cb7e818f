"""The promise of the whole, on the real emulators: what is uploaded is in its document, whatever fails meanwhile."""
