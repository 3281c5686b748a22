"""The desk in a browser: by keyboard alone, in both colour schemes, with and without its script."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

CONTRAST = """
const seen = new Map();
const luminance = ([r, g, b]) => [r, g, b]
  .map((c) => c / 255)
  .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const parts = (text) => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  canvas.fillStyle = text;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = parts(getComputedStyle(at).backgroundColor);
    if (color[3] > 200) return color;
  }
  return [255, 255, 255, 255];
};
const found = [];
for (const element of document.querySelectorAll("main *, header *")) {
  const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || !element.checkVisibility()) continue;
  if (element.closest(".unseen, .skip, svg, datalist")) continue;
  const style = getComputedStyle(element);
  let opacity = 1;
  for (let at = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
  const back = behind(element);
  const ink = parts(style.color).slice(0, 3).map((c, i) => c * opacity + back[i] * (1 - opacity));
  const [a, b] = [luminance(ink), luminance(back)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5) found.push(`${element.className || element.tagName}: ${ratio.toFixed(2)}`);
}
return found;
"""


def waiting(steward):
    return [line.get_attribute("href") for line in steward.all(".line")]


def test_a_steward_decides_and_takes_back_without_touching_a_mouse(steward):
    steward.sign_in()
    queue = waiting(steward)
    assert len(queue) > 3
    steward.until(lambda: steward.focused.get_attribute("href") == queue[0], "the first line")
    steward.press("j", "j", "k")
    assert steward.focused.get_attribute("href") == queue[1]
    steward.press(Keys.ENTER)
    steward.reads("The records")
    steward.press("c")
    assert steward.focused.get_attribute("name") == "reason"
    assert steward.driver.execute_script("return !arguments[0].validity.valid", steward.focused)
    steward.press("They told us on the phone", Keys.ESCAPE)
    assert steward.focused.tag_name == "body"
    steward.press("r")
    steward.reads("Rejected: two people")
    assert queue[1] not in waiting(steward)
    steward.press("u")
    steward.reads("the pair is open again")
    assert queue[1] in waiting(steward)
    assert steward.complaints() == []


def test_a_confirmed_pair_is_one_customer_whose_history_says_why(steward):
    steward.sign_in()
    target = waiting(steward)[0]
    steward.driver.get(target)
    ids = [one.text for one in steward.all(".sides a.id")]
    assert len(ids) == 2
    steward.press("e", "Same phone and the same account", Keys.ENTER)
    steward.reads("Confirmed: one person")
    steward.go(f"/desk/customers/{ids[1]}")
    steward.reads("Same phone and the same account")
    for id in ids:
        assert id in steward.text
    steward.one(".history")
    (back,) = [b for b in steward.all("button") if b.text == "Take the last decision back"]
    back.send_keys(Keys.ENTER)
    steward.reads("They are two customers now, and stay so.")
    assert steward.complaints() == []


def test_the_page_shows_that_somebody_else_was_faster(steward):
    steward.sign_in()
    target = waiting(steward)[2]
    steward.driver.get(target)
    first = steward.driver.current_window_handle
    steward.driver.switch_to.new_window("tab")
    steward.driver.get(target)
    steward.press("e", "I was faster", Keys.ENTER)
    steward.reads("Confirmed: one person")
    steward.driver.switch_to.window(first)
    steward.press("e", "too late", Keys.ESCAPE, "r")
    steward.reads("Nothing was decided")
    steward.reads("Somebody changed this customer")
    assert steward.one("[name=reason]").get_attribute("value") == "too late"


def test_everything_can_be_reached_by_tab_and_shows_where_it_is(steward):
    steward.sign_in()
    steward.driver.get(waiting(steward)[0])
    wanted = len(steward.all("main a, main button, main input:not([type=hidden])"))
    steward.driver.execute_script("document.activeElement.blur()")
    reached, unseen = set(), []
    for _ in range(wanted + 15):
        steward.press(Keys.TAB)
        element = steward.focused
        if element.tag_name == "body":
            continue
        outline = element.value_of_css_property("outline-style")
        if outline == "none":
            unseen.append(element.text)
        reached.add(element)
    inside = [one for one in reached if one.find_elements(By.XPATH, "ancestor::main")]
    assert len(inside) == wanted
    assert unseen == []


def test_the_waterfall_begins_where_the_step_before_ended_and_is_told_in_text(steward):
    steward.sign_in()
    steward.driver.get(waiting(steward)[0])
    rows = steward.all(".waterfall tbody tr")
    bars = [row.find_element(By.TAG_NAME, "rect") for row in rows]
    spans = [(float(bar.get_attribute("x")), float(bar.get_attribute("width"))) for bar in bars]
    zero = float(steward.one(".waterfall line.zero").get_attribute("x1"))
    at = zero
    for (x, width), row in zip(spans[:-1], rows[:-1], strict=True):
        rises = not row.find_element(By.CSS_SELECTOR, ".number").text.startswith("\N{MINUS SIGN}")
        start, end = (x, x + width) if rises else (x + width, x)
        assert start == pytest.approx(at, abs=3)
        at = end
    x, width = spans[-1]
    assert pytest.approx(at, abs=3) in (x, x + width)
    for row in rows:
        assert row.find_element(By.CSS_SELECTOR, "th").text
        assert row.find_element(By.CSS_SELECTOR, ".number").text
        assert row.find_element(By.CSS_SELECTOR, ".track").get_attribute("aria-hidden") == "true"


@pytest.mark.parametrize("driver", ["light", "dark"], indirect=True)
def test_text_can_be_read_in_both_colour_schemes(steward):
    steward.sign_in()
    links = waiting(steward)
    assert steward.driver.execute_script(CONTRAST) == []
    steward.driver.get(links[0])
    assert steward.driver.execute_script(CONTRAST) == []
    steward.driver.get(steward.one(".sides a.id").get_attribute("href"))
    assert steward.driver.execute_script(CONTRAST) == []


def test_no_page_is_wider_than_a_telephone(steward):
    steward.sign_in()
    links = waiting(steward)
    steward.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True},
    )
    for page in (steward.driver.current_url, links[0]):
        steward.driver.get(page)
        width = steward.driver.execute_script("return document.documentElement.scrollWidth")
        assert width <= 390


def test_single_keys_can_be_switched_off(steward):
    steward.sign_in()
    steward.press("?")
    steward.until(lambda: steward.one("dialog").get_attribute("open"), "the dialog")
    steward.one("[data-keys-on]").send_keys(Keys.SPACE)
    steward.press(Keys.ESCAPE)
    steward.go("/desk/review")
    before = steward.focused.get_attribute("href")
    steward.press("j")
    assert steward.focused.get_attribute("href") == before


def test_without_scripts_a_decision_is_made_all_the_same(steward):
    steward.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    steward.sign_in()
    target = waiting(steward)[3]
    steward.driver.get(target)
    steward.one("[name=reason]").send_keys("two people of one name")
    steward.one("button[value=reject]").send_keys(Keys.ENTER)
    steward.reads("Rejected: two people")
    assert target not in waiting(steward)
