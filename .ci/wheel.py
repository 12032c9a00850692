"""Build the wheel and the sdist, look into them, and use the wheel as somebody does who has no checkout.

    python .ci/wheel.py            builds, installs into a fresh environment, runs the README's lines there
    python .ci/wheel.py --lowest   the same with the lowest versions that settings.ini allows, which uv installs (gigabytes, unless UV_TORCH_BACKEND=cpu)
    python .ci/wheel.py --here     runs the lines in the environment of this Python, where the wheel is installed already
"""
import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
import venv
import zipfile
from configparser import ConfigParser
from email.parser import Parser
from pathlib import Path

from packaging.metadata import Metadata

root = Path(__file__).resolve().parent.parent
library = 'twinswin_matte'
EXTRAS = ('onnxruntime', 'anywidget', 'ipywidgets')  # modules that an extra brings
SMALL = 'data.size=64 data.batch_size=2 data.workers=0 data.validation=2 train.epochs=1 train.steps=2'


def settings():
    "What settings.ini says."
    parser = ConfigParser(delimiters=['='])
    parser.read(root / 'settings.ini', encoding='utf-8')
    return parser['DEFAULT']


def build(folder):
    "The sdist, a wheel of the checkout, and a wheel of the sdist."
    source = folder / 'source'  # a copy, so that no build folder of before gets into the wheel
    kept = subprocess.run(['git', '-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], capture_output=True, check=True).stdout
    for name in filter(None, kept.decode().split('\0')):
        if (root / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, source / name)
    for target, options in (('dist', []), ('direct', ['--wheel'])):
        done = subprocess.run([sys.executable, '-m', 'build', '--no-isolation', *options, '--outdir', folder / target, source], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f'{done.stdout[-3000:]}\n{done.stderr[-3000:]}\nthe build failed')
    (wheel,), (direct,), (sdist,) = (folder / 'dist').glob('*.whl'), (folder / 'direct').glob('*.whl'), (folder / 'dist').glob('*.tar.gz')
    return wheel, direct, sdist


def contents(wheel):
    "Name and hash of each file of a wheel."
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist() if not name.endswith('/')}


def check_contents(wheel, direct, sdist):
    "Problems of what the archives hold."
    held = contents(wheel)
    tracked = subprocess.run(['git', '-C', root, 'ls-files', '-z', library, 'data/samples', 'data/weights'], capture_output=True, check=True).stdout.decode().split('\0')
    wanted = {re.sub('^data/', f'{library}/', name) for name in filter(None, tracked)}
    package = {name for name in held if name.startswith(f'{library}/')}
    problems = [f'wheel: lacks {name}' for name in sorted(wanted - package)] + [f'wheel: has {name}, which git does not know' for name in sorted(package - wanted)]
    problems += [f'wheel: {name} is outside of the package' for name in held if not name.startswith((f'{library}/', f'{library}-'))]
    problems += [f'{name}: the wheel of the sdist differs from the wheel of the checkout' for name, _ in sorted(set(held.items()) ^ set(contents(direct).items())) if not name.endswith('/RECORD')]
    problems += [] if any(name.endswith('.dist-info/licenses/LICENSE') for name in held) else ['wheel: lacks the LICENSE']
    with tarfile.open(sdist) as archive:
        names = {name.partition('/')[2] for name in archive.getnames()}
    problems += [f'sdist: lacks {name}' for name in ('LICENSE', 'README.md', 'settings.ini', 'setup.py', 'pyproject.toml', 'data/samples/CREDITS.md') if name not in names]
    problems += [f'sdist: has {name}' for name in sorted(names) if name.split('/')[0] in ('nbs', '.ci', '.github', 'runs')]
    return problems + check_metadata(wheel)


def check_metadata(wheel):
    "Problems of what the wheel says about itself."
    with zipfile.ZipFile(wheel) as archive:
        raw = archive.read(next(name for name in archive.namelist() if name.endswith('.dist-info/METADATA')))
    known, text = Metadata.from_email(raw), Parser().parsestr(raw.decode('utf-8'))  # the first raises for what an index would refuse
    own = settings()
    extras = {key.removesuffix('_requirements') for key in own if key.endswith('_requirements')}
    facts = {'name': (known.name, own['lib_name'].replace('_', '-'), own['lib_name']), 'version': (str(known.version), own['version']), 'extras': (set(known.provides_extra), extras),
             'license': (known.license_expression, 'Apache-2.0'), 'description': (text['Description-Content-Type'], 'text/markdown'), 'Python': (str(known.requires_python), f">={own['min_python']}")}
    problems = [f'metadata: {what} is {found}, not {right[0]}' for what, (found, *right) in facts.items() if found not in right]
    description = known.description or ''
    with zipfile.ZipFile(wheel) as archive:
        sources = ''.join(archive.read(name).decode('utf-8') for name in archive.namelist() if name.endswith('.py'))
    named = set(re.findall(r'(?:twinswin_matte|\.)\[([a-z]+)\]', sources + description))
    problems += [f'there is no extra {name}, which a text says to install' for name in sorted(named - extras)]
    return problems + [f'metadata: {link} leads nowhere outside of the repository' for link in re.findall(r'\]\(((?!https?:|#|mailto:)[^)]*)\)', description)]


def fresh_environment(folder, wheel):
    "An environment with the wheel, which sees the dependencies of this one but not the checkout that is installed here."
    venv.create(folder, with_pip=False, symlinks=os.name != 'nt')
    python = folder / ('Scripts/python.exe' if os.name == 'nt' else 'bin/python')
    subprocess.run([sys.executable, '-m', 'pip', '--python', python, 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-index', wheel], check=True)
    packages = subprocess.run([python, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], capture_output=True, text=True, check=True).stdout.strip()
    paths = dict.fromkeys(sysconfig.get_path(kind) for kind in ('purelib', 'platlib'))
    # files named .pth are not looked at in folders that are added so: the checkout's own stays out
    (Path(packages) / 'dependencies.pth').write_text(''.join(f'{path}\n' for path in paths), encoding='utf-8')
    return python


def lowest_environment(folder, wheel):
    "An environment with the wheel and the lowest versions of what it requires."
    venv.create(folder, with_pip=False, symlinks=os.name != 'nt')
    python, wanted = folder / ('Scripts/python.exe' if os.name == 'nt' else 'bin/python'), folder / 'requirements.txt'
    wanted.write_text('\n'.join(settings()['requirements'].split()), encoding='utf-8')
    install = [sys.executable, '-m', 'uv', 'pip', 'install', '--quiet', '--python', python]
    subprocess.run([*install, '--resolution', 'lowest-direct', '-r', wanted], check=True)
    subprocess.run([*install, '--no-deps', wheel], check=True)
    return python


WHERE = '''
import json, sys
import twinswin_matte
new = [name for name in ('torch', 'numpy') if name in sys.modules]
from PIL import Image
from twinswin_matte.core import in_checkout, samples_folder
if not in_checkout():
    Image.open(samples_folder() / 'photos/coffee.jpg').resize((150, 100)).save('photo.jpg')
print(json.dumps({'file': twinswin_matte.__file__, 'path': sys.path, 'new': new, 'checkout': in_checkout()}))
'''
MODULES = f'''
import importlib, pkgutil, twinswin_matte
for found in pkgutil.walk_packages(twinswin_matte.__path__, 'twinswin_matte.'):
    if found.name.endswith('_modidx'):
        continue
    try:
        importlib.import_module(found.name)
    except ImportError as error:
        if not any(name in str(error) for name in {EXTRAS}) or 'pip install' not in str(error):
            raise
'''
API = '''
import twinswin_matte as tm
prediction = tm.matte('photo.jpg')
assert tuple(prediction.alpha.shape[-2:]) == tuple(tm.load_image('photo.jpg').shape[-2:])
assert tm.load_image(prediction.save('cutout.png'), channels=4).shape[0] == 4
sample = tm.random_matte('hair', size=64, seed=1)
tm.save_image('own/im/a.png', sample.image), tm.save_image('own/gt/a.png', sample.alpha)
assert set(tm.evaluate('runs/tiny', 'own', split='all')['region']) == {'whole', 'boundary'}
assert tm.samples_folder().joinpath('CREDITS.md').is_file()
assert tm.load_config(str(tm.samples_folder().parent / 'train/presets/tsr.yaml')) == tm.load_config('tsr')
assert tm.load_config('source/tsr').data.size == 1024 and len(tm.PRESETS.names('source/*')) == 11
assert tm.composite(1.0, 0.0, 0.25) == 0.25 and 'tsr' in tm.list_models()
'''
DEMO = '''
from twinswin_matte.demo import run_demo
small = {'model.encoder': 'swin_nano', 'model.decoder_options': {'width': 16}, 'data.size': 64, 'data.batch_size': 2, 'data.synthetic': 8, 'data.validation': 2, 'teacher.iou': 0.1, 'train.steps': 2, 'train.epochs': 1, 'train.precision': 'no'}
run_demo(data='pairs', minutes=0.02, changes=small)
'''
LINES = [
    'matte --version', 'matte predict photo.jpg', 'matte predict photo.jpg --output cutout,composite --background teal --trimap auto',
    'matte data synth --out pairs --count 12 --size 96',
    f'matte train --preset tsr data.root=pairs --check {SMALL}', f'matte train --preset source/modnet data.root=pairs --check {SMALL}', f'matte train --preset tiny teacher.iou=0.1 data.synthetic=8 {SMALL}', f'matte train --from runs/tiny data.root=pairs --out runs/more {SMALL}',
    'matte evaluate --checkpoint trimap-free runs/more --data pairs --split all', 'matte predict photo.jpg --checkpoint runs/tiny --out cut']


def readme_blocks(kind):
    "The code of the README and of the overview in one language."
    overview = json.loads((root / 'nbs/tutorials/00_overview.ipynb').read_text(encoding='utf-8'))['cells']
    text = '\n'.join([(root / 'README.md').read_text(encoding='utf-8'), *(''.join(c['source']) + '\n' for c in overview if c['cell_type'] == 'markdown')])
    return re.findall(rf'^```{kind}\n(.*?)^```', text, flags=re.M | re.S)


def readme_commands():
    "The words of each of their lines that starts with `matte`."
    lines = [line for block in readme_blocks('sh') for line in block.splitlines() if line.startswith('matte ')]
    return [shlex.split(line, comments=True)[1:] for line in lines]


class Place:
    "A folder outside of the checkout where the commands of an environment are run."
    def __init__(self, folder, python):
        self.folder, self.python, self.failed = folder, Path(python), []
        kept = {k: v for k, v in os.environ.items() if k not in ('PYTHONPATH', 'MATTE_DATA', 'VIRTUAL_ENV')}
        self.environment = {**kept, 'PATH': os.pathsep.join([str(self.python.parent), kept.get('PATH', '')]), 'HF_HUB_OFFLINE': '1', 'PYTHONWARNINGS': 'ignore'}

    def run(self, title, words, *, code=0, contains=''):
        "Run one command; what it printed, if it ended as it should."
        start = time.time()
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        wrong = done.returncode != code or 'Traceback' in done.stderr or contains not in done.stdout + done.stderr
        print(f'  {"FAILED" if wrong else "ok"} {time.time() - start:.0f} s  {title}', flush=True)
        if wrong:
            print(f'  exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}', flush=True)
            self.failed.append(title)
        return '' if wrong else done.stdout

    def python_run(self, title, program, **expected):
        "Run a program."
        return self.run(title, [self.python, '-c', program], **expected)

    def matte(self, line, **expected):
        "Run a command line."
        _, *words = shlex.split(line)
        return self.run(line, [self.python.parent / 'matte', *words], **expected)


def files_of(package):
    "Every file of an installed package, but for compiled ones, and when it was changed."
    return {str(p): p.stat().st_mtime_ns for p in Path(package).rglob('*') if p.is_file() and '__pycache__' not in p.parts}


def use(place):
    "Run everything in an environment."
    found = json.loads(place.python_run('the installed library is imported, and PyTorch is not', WHERE) or '{}')
    where = Path(found.get('file', root))
    if root in where.parents or found.get('checkout', True) or found.get('new') or any(Path(p or place.folder).resolve() in (root, root / '.ci') for p in found.get('path', ())):
        place.failed.append(f'not the installed library alone: {found}')
        return
    before = files_of(where.parent)
    place.python_run('every module is imported', MODULES)
    for line in LINES:
        place.matte(line)
    place.python_run('matte demo, with small models on the pairs', DEMO)
    place.matte('matte experiment', code=2, contains='git clone')
    place.matte('matte train --preset tsr data.root=nowhere', code=2, contains='nowhere')
    place.python_run('import twinswin_matte as tm', API)
    place.python_run('the commands of the README are understood', f'from twinswin_matte.cli import _parse\nfor words in {readme_commands()!r}: _parse(words)')
    place.python_run('the Python of the README runs', '\n'.join(block for block in readme_blocks('python') if 'train(' not in block and 'evaluate(' not in block))
    override = sorted(set(files_of(where.parent).items()) ^ set(before.items()))
    if override:
        place.failed.append(f'written into the installed package: {override[:3]}')
    lacking = [name for name in ('mattes/alpha/photo.png', 'mattes/cutout/photo.png', 'runs/tiny/best.safetensors', 'runs/more/best.safetensors', 'runs/demo/comparison.png', 'metrics.csv', 'cut/alpha/photo.png', 'cutout.png')
               if not (place.folder / name).is_file()]
    place.failed += [f'not written: {name}' for name in lacking]


def main():
    "Build, check, install, use; exit code 1 if anything failed."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group()
    which.add_argument('--here', action='store_true', help='use the environment of this Python, where the wheel is installed already')
    which.add_argument('--lowest', action='store_true', help='with the lowest versions of all requirements')
    parser.add_argument('--keep', metavar='DIR', help='copy the wheel and the sdist there')
    options, start, problems = parser.parse_args(), time.time(), []
    with tempfile.TemporaryDirectory() as folder:
        folder, python = Path(folder).resolve(), Path(sys.executable)
        if not options.here:
            wheel, direct, sdist = build(folder)
            print(f'{wheel.name} {wheel.stat().st_size / 2**20:.1f} MiB, {sdist.name} {sdist.stat().st_size / 2**20:.1f} MiB', flush=True)
            problems = check_contents(wheel, direct, sdist)
            if options.keep:
                for archive in (wheel, sdist):
                    Path(options.keep).mkdir(parents=True, exist_ok=True)
                    shutil.copy2(archive, options.keep)
            python = (lowest_environment if options.lowest else fresh_environment)(folder / 'fresh', wheel)
        (folder / 'outside').mkdir()
        place = Place(folder / 'outside', python)
        use(place)
        problems += place.failed
    print(*(f'  {p}' for p in problems), f'{"FAILED" if problems else "ok"} in {time.time() - start:.0f} s', sep='\n', flush=True)
    sys.exit(bool(problems))


if __name__ == '__main__':
    main()
