"""Two tabs of a headless Chromium talk to each other in examples/websocket_chat.

    chat.py CHROMIUM WEBSOCKET_CHAT
"""
import json
import sys

from _browser import browsing, serving


def say(tab, text):
    tab.run(f"document.getElementById('text').value = {json.dumps(text)};"
            "document.getElementById('form').requestSubmit()")


def wait_for_line(tab, text):
    tab.wait("[...document.querySelectorAll('#log li')].some(li => li.textContent === " + json.dumps(text) + ")")


def talk(browser, url):
    ann, bob = browser.open(url), browser.open(url)
    for tab, name in (ann, "Ann"), (bob, "Bob"):
        tab.wait("document.readyState === 'complete' && !!document.getElementById('form')?.onsubmit")
        say(tab, name)
        wait_for_line(tab, name + " is here")
    wait_for_line(ann, "Bob is here")
    wait_for_line(bob, "Ann is here")  # from the history
    say(ann, "hello, <b>Bob</b> \U0001f642")
    wait_for_line(bob, "Annhello, <b>Bob</b> \U0001f642")
    say(bob, "hello \"Ann\"")
    wait_for_line(ann, "Bobhello \"Ann\"")
    bob.run("socket.onclose = null; socket.close(4000, 'done')")
    wait_for_line(ann, "Bob has left")
    assert ann.run("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the window"


if __name__ == "__main__":
    with serving(sys.argv[2], "--port", "0", "--loops", "2") as where, browsing(sys.argv[1]) as chromium:
        talk(chromium, where)
