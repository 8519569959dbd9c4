"""Stands for the marker in the tutorial: opens the page that a browser would open, chooses the
first option for every answer, and presses Ctrl-C in the terminal of `grader mark`.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.support.looking import program

with sync_playwright() as driver:
    browser = driver.chromium.launch(executable_path=program(), args=["--no-sandbox"])
    page = browser.new_page()
    page.goto(Path(sys.argv[1]).as_uri())   # which leads on to the server
    page.locator("table a").first.click()
    expect(page.locator(".mark-form")).to_be_visible()
    page.keyboard.press("1")
    expect(page.locator("#points")).not_to_have_value("")
    page.keyboard.press("Enter")
    expect(page.locator(".steps")).to_contain_text("1 of 1")
    browser.close()
os.kill(os.getppid(), signal.SIGINT)
