"""Headless Chromium over the product and its emulated platforms, each in a process of its own."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

ROOT = Path(__file__).parents[2]
SYSTEMS = {"crm": "hubspot", "shop": "shopify", "desk": "zendesk", "chat": "intercom"}
TIMEOUT_S = 60
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
TOKEN = "token-of-a-steward"
SCOPES = ["customer:any", "staff", "pii:identity", "pii:contact", "pii:location", "pii:content"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.browser)


# ---------------------------------------------------------------- the product


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of `knownas serve` over 80 people, synced and resolved."""
    folder = tmp_path_factory.mktemp("desk")
    command = [sys.executable, "-m", "sandbox", "--people", "80", "--seed", "7"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as sandbox:
        try:
            assert sandbox.stdout is not None
            env = _configured(folder, json.loads(sandbox.stdout.readline()))
            for arguments in (("sync",), ("identity", "resolve")):
                subprocess.run(_knownas(folder, *arguments), cwd=ROOT, env=env, check=True)
            yield from _serving(folder, env)
        finally:
            sandbox.terminate()


def _configured(folder: Path, places: dict[str, Any]) -> dict[str, str]:
    """Writes the configuration; the environment that its secrets are in."""
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    lines = [
        f'[state]\nurl = "sqlite:///{folder}/knownas.db"\n[log]\nlevel = "warning"',
        '[live_record]\nsystems = { phones = "VOICE" }',
        f'[[auth.tokens]]\nname = "steward"\nsha256 = "{digest}"\nscopes = {json.dumps(SCOPES)}',
    ]
    env = dict(os.environ)
    for name, vendor in SYSTEMS.items():
        held = places[vendor]["credentials"]
        env[f"{name.upper()}_TOKEN"] = held["token"]
        keys = {"connector": vendor, "base_url": places[vendor]["url"], "phone_region": "GB"}
        keys |= {key: value for key, value in held.items() if key != "token"}
        told = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        secret = f'token = {{ env = "{name.upper()}_TOKEN" }}'
        lines += [f"[sources.{name}]", *told, secret]
    (folder / "knownas.toml").write_text("\n".join(lines))
    return env


def _knownas(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "gateway", *arguments, "-c", str(folder / "knownas.toml")]


def _serving(folder: Path, env: dict[str, str]) -> Iterator[str]:
    log = folder / "log"
    with log.open("wb") as out:
        command = _knownas(folder, "serve", "--port", "0")
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=out
        )
    with process:
        try:
            yield until(lambda: _address(process, log), "knownas serve to listen")
        finally:
            process.send_signal(signal.SIGTERM)
    assert "internal_error" not in log.read_text()


def _address(process: subprocess.Popen[bytes], log: Path) -> str | None:
    assert process.poll() is None, log.read_text()
    lines = [line for line in log.read_text().splitlines() if line.startswith("serving ")]
    return lines[0].split()[1].removesuffix("/graphql") if lines else None


def until(found: Callable[[], Any], what: str) -> Any:
    """What `found` gives once it gives anything."""
    limit = time.monotonic() + TIMEOUT_S
    while time.monotonic() < limit:
        try:
            if result := found():
                return result
        except (NoSuchElementException, StaleElementReferenceException):
            pass  # the page is on its way
        time.sleep(0.02)
    pytest.fail(f"waited {TIMEOUT_S} s for {what}")


# ---------------------------------------------------------------- the browser


class Steward:
    """Somebody at a keyboard."""

    def __init__(self, driver: webdriver.Chrome, address: str) -> None:
        self.driver = driver
        self.address = address

    def go(self, path: str) -> None:
        self.driver.get(self.address + path)

    def press(self, *keys: str) -> None:
        """Where the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    @property
    def path(self) -> str:
        return self.driver.current_url.removeprefix(self.address)

    @property
    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element

    @property
    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def until(self, found: Callable[[], Any], what: str) -> Any:
        return until(found, what)

    def reads(self, text: str) -> None:
        """Waits until the page says so."""
        until(lambda: text in self.text, f"{text!r} on the page")

    def complaints(self) -> list[str]:
        """Of the browser: blocked by the policy, not found, thrown."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def sign_in(self) -> None:
        self.driver.delete_all_cookies()
        self.go("/desk")
        until(lambda: self.focused.get_attribute("name") == "token", "the field for the token")
        self.press(TOKEN, Keys.ENTER)
        self.reads("Strongest first")


@pytest.fixture(params=["light"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver") or "/usr/bin/chromedriver")
    started = webdriver.Chrome(options=options, service=service)
    if request.param == "dark":
        media = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
        started.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    yield started
    started.quit()


@pytest.fixture
def steward(driver: webdriver.Chrome, address: str) -> Steward:
    return Steward(driver, address)
