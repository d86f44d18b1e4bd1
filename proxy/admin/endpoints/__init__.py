"""The endpoints of the API, by area: each is a thin layer over a view."""
