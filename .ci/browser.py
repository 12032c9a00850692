"A real browser for the tests that need one: find it, start JupyterLab beside it, always stop what was started."
import importlib.util
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
SETTINGS = {'apputils-extension/notification': {'fetchNews': 'false', 'checkForUpdates': False, 'doNotDisturbMode': True},
            'notebook-extension/tracker': {'windowingMode': 'none'}}
IDLE = "() => window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status === 'idle'"
RUN = "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells') }"
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells
    .flatMap(cell => cell.outputs ?? []).filter(output => output.output_type === 'error').map(output => `${output.ename}: ${output.evalue}`)"""


def chromium():
    "The browser's path, from `MATTE_CHROMIUM` or the usual names; None if there is none."
    given = os.environ.get('MATTE_CHROMIUM')
    return given if given and Path(given).is_file() else next(filter(None, map(shutil.which, NAMES)), None)


def missing(
    *packages,  # that the test needs besides Playwright, such as 'jupyterlab'
):
    "What a browser test lacks here, in one line; None if it can run."
    lost = [name for name in ('playwright', *packages) if importlib.util.find_spec(name) is None]
    if lost:
        return f'{" and ".join(lost)} cannot be imported (pip install -e ".[browser,serve]")'
    return None if chromium() else 'no Chromium was found (apt install chromium, or set MATTE_CHROMIUM)'


@contextmanager
def open_page(
    *,
    width=1200,  # of the window in pixels
    height=900,  # of the window in pixels
    dark=False,  # what the page is told that its reader prefers
    touch=False,  # a screen that is touched
):
    "A page of a headless Chromium that reaches this machine only; `page.problems` collects errors and forbidden addresses."
    from playwright.sync_api import sync_playwright
    flags = ['--no-sandbox'] if getattr(os, 'geteuid', lambda: 1)() == 0 else []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=flags)
        try:
            context = browser.new_context(viewport={'width': width, 'height': height}, has_touch=touch,
                                          color_scheme='dark' if dark else 'light', accept_downloads=True)
            page = context.new_page()
            page.problems = []
            page.on('pageerror', lambda error: page.problems.append(str(error)))
            context.route(lambda address: not address.startswith(('http://127.0.0.1:', 'data:', 'blob:')),
                          lambda route: (page.problems.append('left this machine: ' + route.request.url), route.abort()))
            yield page
        finally:
            browser.close()


def call_apart(function, *arguments):
    "Call in a thread of its own: Playwright refuses to work where an event loop runs, as in every notebook."
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


def start_server(folder, theme='light'):
    "A JupyterLab process on a free loopback port; it keeps its files in the folder and stops by itself if forgotten."
    for name, content in {**SETTINGS, 'apputils-extension/themes': {'theme': f'JupyterLab {theme.title()}'}}.items():
        path = folder / 'settings' / '@jupyterlab' / f'{name}.jupyterlab-settings'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    places = {f'JUPYTER_{n}_DIR': str(folder / n.lower()) for n in ('CONFIG', 'RUNTIME', 'DATA')}
    options = {'ServerApp.ip': '127.0.0.1', 'ServerApp.port': 0, 'ServerApp.open_browser': False, 'ServerApp.root_dir': folder / 'work',
               'ServerApp.allow_root': True, 'ServerApp.terminals_enabled': False, 'IdentityProvider.token': secrets.token_hex(16),
               'ServerApp.shutdown_no_activity_timeout': 300, 'MappingKernelManager.cull_idle_timeout': 300,
               'LabApp.expose_app_in_browser': True, 'LabApp.extension_manager': 'readonly', 'LabApp.news_url': 'None',
               'LabApp.check_for_updates_class': 'jupyterlab.handlers.announcements.NeverCheckForUpdate',
               'LabServerApp.user_settings_dir': folder / 'settings', 'LabServerApp.workspaces_dir': folder / 'workspaces'}
    environment = {**os.environ, **places, 'IPYTHONDIR': str(folder / 'ipython'), 'JUPYTER_PREFER_ENV_PATH': '1'}
    with (folder / 'server.log').open('wb') as log:
        return subprocess.Popen([sys.executable, '-m', 'jupyterlab', *(f'--{k}={v}' for k, v in options.items())],
                                cwd=folder / 'work', env=environment, stdout=log, stderr=log)


def address_of(server, folder, seconds=60):
    "Where the server listens, once it answers."
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        for path in (folder / 'runtime').glob('jpserver-*.json'):
            try:
                facts = json.loads(path.read_text())
                urllib.request.urlopen(f"{facts['url']}api/status?token={facts['token']}", timeout=5).close()
                return facts['url'], facts['token']
            except (OSError, ValueError):
                pass
        time.sleep(0.1)
    raise RuntimeError('JupyterLab did not start:\n' + (folder / 'server.log').read_text(errors='replace')[-2000:])


def stop_server(server):
    "End it and its kernels."
    server.terminate()
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def write_notebook(path, cells):
    "A notebook of code cells."
    import nbformat
    kernel = {'name': 'python3', 'display_name': 'Python 3', 'language': 'python'}
    book = nbformat.v4.new_notebook(metadata={'kernelspec': kernel}, cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(book, path)


@contextmanager
def open_lab(
    cells,  # source of the code cells of a notebook
    *,
    theme='light',  # or 'dark'
    files=None,  # {name: path} of files to copy beside the notebook
    **window,  # of `open_page`
):
    "A page on which JupyterLab shows a notebook with these cells, all run."
    with tempfile.TemporaryDirectory(prefix='matte browser ') as folder:  # the space is on purpose
        folder = Path(folder)
        (folder / 'work').mkdir()
        write_notebook(folder / 'work' / 'widgets.ipynb', cells)
        for name, path in (files or {}).items():
            shutil.copy(path, folder / 'work' / name)
        server = start_server(folder, theme)
        try:
            url, token = address_of(server, folder)
            with open_page(dark=theme == 'dark', **window) as page:
                page.goto(f'{url}doc/tree/widgets.ipynb?reset&token={token}')
                page.wait_for_function(IDLE, timeout=90_000)
                page.evaluate(RUN)
                failed = page.evaluate(ERRORS)
                assert not failed, failed
                yield page
        finally:
            stop_server(server)


def until(page, condition, seconds=30):
    "Look again until something is true: a busy machine draws late."
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f'not true after {seconds} seconds'
        page.wait_for_timeout(100)


def keep_screen(page):
    "What was to be seen when a test failed, if `MATTE_SCREENS` names a folder."
    if os.environ.get('MATTE_SCREENS'):
        page.screenshot(path=Path(os.environ['MATTE_SCREENS']) / 'failed.png')


def in_lab(
    cells,  # source of the code cells of a notebook
    story,  # function of the page: what a person does and sees; its result is returned
    **options,  # of `open_lab`
):
    "Run a story in JupyterLab; where there is no browser, print why it was skipped and return None."
    reason = missing('jupyterlab')
    if reason:
        print(f'browser test skipped: {reason}')
        return None

    def tell():
        "The story, from start to end."
        with open_lab(cells, **options) as page:
            try:
                result = story(page)
                assert not page.problems, page.problems
                return result
            except BaseException:
                keep_screen(page)
                raise
    return call_apart(tell)
