"""Small reusable widgets that know only Qt and the theme."""
