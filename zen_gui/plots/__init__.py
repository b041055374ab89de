"""What every plot of the window is made of: lines, zones, marks and labels on one fixed, quiet ground."""
