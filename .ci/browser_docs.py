"""Read the site in a real browser, as a person would: search, follow the sidebar, switch dark and light.

    .ci/browser_docs.py [SITE]    a folder that `.ci/docs.py` has written (default: _docs); prints one line if it was skipped
"""
import sys
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from browser import missing, open_page

root = Path(__file__).resolve().parent.parent
SEEN = "() => document.body.innerText.split('\\n').filter(line => /^\\s*#\\|/.test(line))"
WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
GREY = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0) / 3"
LINKS = "selector => [...document.querySelectorAll(selector)].map(a => a.href.split('#')[0])"
IMAGES = "() => [...document.images].filter(image => image.complete && !image.naturalWidth).map(image => image.src)"


class Quiet(SimpleHTTPRequestHandler):
    "A file server without a log."
    def log_message(self, *args):
        "Say nothing."


@contextmanager
def serve(
    site,  # folder of the site
):
    "The site's address on a free loopback port, as long as the block lasts."
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f'http://127.0.0.1:{server.server_port}/'
    finally:
        server.shutdown()
        server.server_close()


def watch(
    page,  # of `open_page`
):
    "Note whatever the console complains about, and every answer that is an error."
    page.on('console', lambda message: page.problems.append(f'console: {message.text}') if message.type == 'error' else None)
    page.on('response', lambda answer: page.problems.append(f'{answer.status}: {answer.url}') if answer.status >= 400 else None)


def check_page(
    page,  # that shows one of the site's
    where,  # its address
):
    "Open a page: it has a title and its images, no directive is to be seen, and it is not wider than the window."
    page.goto(where, wait_until='load')
    name = where.rsplit('/', 1)[-1]
    assert page.locator('h1').first.inner_text().strip(), f'{name}: no title'
    assert not (lines := page.evaluate(SEEN)), f'{name}: a directive is to be seen: {lines[0]}'
    assert not (lost := page.evaluate(IMAGES)), f'{name}: a picture is missing: {lost[0]}'
    assert page.evaluate(WIDE) <= 0, f'{name}: wider than the window by {page.evaluate(WIDE)} pixels'


def search(page, start, word='estimate_foreground'):
    "Type a name into the search box, and follow the result to its entry."
    page.goto(start)
    page.keyboard.press('Control+k')
    box = page.locator('input[type=search]:visible').first
    box.fill(word)
    box.press('Enter')
    found = page.locator('#search-results a', has_text=word).first
    found.wait_for(timeout=30_000)
    found.click()
    page.wait_for_load_state('load')
    assert page.locator(f'dt[id$=".{word}"]').count() == 1, f'the search for {word} led to {page.url}'
    return page.url


def follow(page, start):
    "Open everything that the front page, the header and the sidebars link to within the site; returns how many pages."
    waiting, seen = [start + 'index.html'], set()
    while waiting:
        where = waiting.pop()
        if where in seen:
            continue
        seen.add(where)
        check_page(page, where)
        links = page.evaluate(LINKS, '.bd-header a[href], .bd-sidebar-primary a[href], #all-pages a[href]')
        waiting += [link for link in links if link.startswith(start) and link.endswith('.html') and link not in seen]
    return len(seen)


def switch(page, start):
    "The menu sets each mode; light is light, dark is dark, and the next page remembers."
    page.goto(start)
    brightness = {}
    for mode in ('light', 'dark'):
        page.locator('button.theme-switch-button:visible').first.click()
        page.locator(f'.theme-change-button[data-mode={mode}]:visible').first.click()
        page.wait_for_function('mode => document.documentElement.dataset.theme === mode', arg=mode, timeout=10_000)
        brightness[mode] = page.evaluate(GREY)
    assert brightness['light'] > 200 and brightness['dark'] < 60, f'background of light and dark: {brightness}'
    page.goto(start + 'metrics.html')
    assert page.evaluate('() => document.documentElement.dataset.theme') == 'dark', 'the next page forgot the mode'


def read_site(
    site=root / '_docs',  # folder of the site
):
    "The whole test; returns a line that says what was done or why nothing was."
    reason = missing() or (None if (Path(site) / 'index.html').is_file() else f'{Path(site).name} is not there (make docs)')
    if reason:
        return f'browser test of the docs skipped: {reason}'
    with serve(site) as start, open_page(width=1400, height=900) as page:
        watch(page)
        found = search(page, start)
        switch(page, start)
        count = follow(page, start)
        assert not page.problems, page.problems
    return f'{count} pages opened in Chromium, search led to {found.removeprefix(start)}, dark and light switch'


if __name__ == '__main__':
    print(read_site(Path(sys.argv[1]) if len(sys.argv) > 1 else root / '_docs'))
