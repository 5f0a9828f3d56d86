"""The listing of examples/http_file_server in a headless Chromium: on a phone, on a desktop, in the dark.

    listing.py CHROMIUM HTTP_FILE_SERVER PICTURES

Every name is there as it is, whatever it looks like to HTML; links lead where they say; sorting sorts; nothing is wider
than the window; no script and no other resource is asked for. The pictures are for people.
"""
import os
import sys
import tempfile

from _browser import browsing, serving

NAMES = {"a file.txt": 10, "<b>&amp;\"'.html": 2000, "\u00fcml\u00e4ut \U0001f642.bin": 3000000, "100%25.txt": 1,
         "a-very-long-name-" + "x" * 180 + ".dat": 5}


def make_folder(root):
    os.mkdir(os.path.join(root, "folder"))
    with open(os.path.join(root, "folder", "inside.txt"), "w", encoding="utf-8") as file:
        file.write("inside")
    for name, size in NAMES.items():
        with open(os.path.join(root, name), "wb") as file:
            file.truncate(size)


def names_of(tab):
    return tab.run("[...document.querySelectorAll('tbody tr')].map(r => r.cells[0].textContent)")


def look(tab, pictures):
    for name, width, height, dark in (("phone", 390, 844, False), ("desktop", 1280, 800, False), ("dark", 1280, 800, True)):
        tab.size(width, height, dark)
        tab.wait("innerWidth == " + str(width))
        assert tab.run("document.documentElement.scrollWidth <= innerWidth"), f"wider than a {name}'s window"
        tab.picture(os.path.join(pictures, f"listing-{name}.png"))


def check(browser, url, pictures):
    tab = browser.open(url)
    tab.wait("document.readyState === 'complete' && !!document.querySelector('tbody')")
    assert names_of(tab)[0] == "folder/", "folders do not come first"
    assert sorted(names_of(tab)) == sorted(["folder/", *NAMES]), names_of(tab)
    assert tab.run("document.scripts.length + performance.getEntriesByType('resource').length") == 0
    look(tab, pictures)
    tab.run("[...document.querySelectorAll('th a')].find(a => a.textContent.startsWith('Size')).click()")
    tab.wait("location.search.includes('sort=size') && document.readyState === 'complete'")
    files = [name for name in names_of(tab) if not name.endswith("/")]
    assert files == sorted(NAMES, key=NAMES.get), files
    tab.run("[...document.querySelectorAll('tbody a')].find(a => a.textContent === 'folder/').click()")
    tab.wait("location.pathname === '/folder/' && document.body?.textContent.includes('inside.txt')")
    tab.run("[...document.querySelectorAll('a')].find(a => a.textContent === 'inside.txt').click()")
    tab.wait("document.body?.textContent === 'inside'")


if __name__ == "__main__":
    os.makedirs(sys.argv[3], exist_ok=True)
    with tempfile.TemporaryDirectory() as root:
        make_folder(root)
        with serving(sys.argv[2], "--port", "0", "--loops", "1", "--root", root, "--listing") as where, \
                browsing(sys.argv[1]) as chromium:
            check(chromium, where, sys.argv[3])
