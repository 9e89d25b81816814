"""One HTML file for each run and for the matrix: inline SVG, no script, nothing from outside."""
