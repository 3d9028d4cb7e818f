"""The console: pages that show how things are, what failed and what is in the pictures, and let people act on it.

router.py has all addresses, pages.py what every page has, look.py the one look that feeds a page's numbers; then one
module per page. docs/console.md is the user's page.
"""
