"""The admin page in a real browser: Debian's Chromium, driven by Playwright, before a whole Startgate.

A package, unlike the folders beside it, so that browser and Startgate live as long as its tests and no longer.
"""
