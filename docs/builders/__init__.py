"""What the documentation does not write by hand: tables, pictures and pages made from the source. Pure functions of files."""
