"""Documents as rows and files for other programs."""
