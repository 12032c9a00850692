"Every check of the project: exports, room rules, imports, lint and the notebooks themselves."
import ast
import hashlib
import importlib
import json
import os
import re
import subprocess
import symtable
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import browser
from words import wrong_words

root = Path(__file__).resolve().parent.parent
os.chdir(root)
library = 'twinswin_matte'
tools = Path(sys.executable).parent
notebooks = sorted(p for p in Path('nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts)


def digest():
    "The content of every notebook and exported module."
    files = [*notebooks, *(p for p in Path(library).rglob('*') if p.is_file() and '__pycache__' not in p.parts)]
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def unchanged():
    "`nbdev_export` and `nbdev_clean` leave the tree as it is."
    before = digest()
    for name in ('nbdev_export', 'nbdev_clean'):
        subprocess.run([tools / name], check=True)
    after = digest()
    changed = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
    return [f'{name}: changed by export or clean; run `make export` and commit the result' for name in changed]


def room(path):
    "The number of a notebook's room, and the module it exports."
    match = re.match(r'(\d+)([a-z]?)_', path.name)
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    source = [''.join(c['source']) for c in cells if c['cell_type'] == 'code']
    names = re.findall(r'^#\|\s*default_exp\s+(\S+)', '\n'.join(source), flags=re.M)
    exported = [s for s in source if re.match(r'\s*#\|\s*export', s)]
    number = int(match[1]) + (ord(match[2]) - 96) / 100 if match and match[2] else int(match[1]) if match else None
    return number, (names or [None])[0], exported


def rooms():
    "Imports go only to a lower number; `data` and `models` never enter each other; `apply` never enters `train`."
    facts = {name: (number, cells) for number, name, cells in map(room, notebooks) if name and number is not None}
    forbidden = {('data', 'models'), ('models', 'data'), ('apply', 'train')}
    problems = []
    for name, (number, cells) in facts.items():
        for node in (n for cell in cells for n in ast.walk(ast.parse(cell))):
            if isinstance(node, ast.ImportFrom) and node.level:
                problems.append(f'{name}: relative import of {node.module}; write it from {library}')
            names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            for target in (t.removeprefix(library + '.') for t in names if t.startswith(library + '.')):
                if target not in facts:
                    problems.append(f'{name}: imports {target}, which no notebook exports')
                elif facts[target][0] >= number:
                    problems.append(f'{name} ({number}): imports the higher room {target} ({facts[target][0]})')
                if (name.split('.')[0], target.split('.')[0]) in forbidden:
                    problems.append(f'{name}: may not enter {target}')
    return problems


def imports_alone(name):
    "Does a module import in a child of this process?"
    child = os.fork()
    if child == 0:
        try:
            __import__(name)
            os._exit(0)
        except BaseException as error:
            print(f'{name}: {error!r}', file=sys.stderr, flush=True)
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def imports():
    "Each module imports in a process that has none of the others loaded."
    for name in ('timm', 'accelerate', 'matplotlib.pyplot', 'numba', 'pandas', 'pymatting', 'scipy.stats', 'scipy.ndimage', 'torchmetrics'):
        importlib.import_module(name)  # the heavy third parties are loaded once, then each child starts from here
    modules = sorted('.'.join(p.with_suffix('').parts) for p in Path(library).rglob('*.py')
                     if p.stem not in ('__init__', '__main__', '_modidx'))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [f'{name}: does not import on its own' for name, fine in zip(modules, pool.map(imports_alone, modules), strict=True) if not fine]


def lint():
    "Ruff finds no undefined name, no unused import, no statement that hides another."
    call = [sys.executable, '-m', 'ruff', 'check', '--quiet', '--select', 'F,B,E7', '--exclude', '*.ipynb',
            '--exclude', '_modidx.py', library, '.ci', 'setup.py']
    done = subprocess.run(call, capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines() if done.returncode else []


def tidy():
    "Saved notebooks are small, show no error and name no absolute path; no other file that git tracks is large, but for checkpoints."
    tracked = [Path(name) for name in subprocess.run(['git', 'ls-files', '-z'], capture_output=True, text=True, check=True).stdout.split('\0') if name and Path(name).is_file()]
    limits = {p: 20 if p.suffix == '.safetensors' else 1 for p in tracked if p.suffix != '.ipynb'}
    problems = [f'{p}: {p.stat().st_size / 2**20:.1f} MB, the limit is {most}; was it downloaded here?' for p, most in limits.items() if p.stat().st_size > most * 2**20]
    for path in notebooks:
        text = path.read_text(encoding='utf-8')
        cells = json.loads(text)['cells']
        outputs = [o for c in cells if c['cell_type'] == 'code' for o in c['outputs']]
        if path.stat().st_size > 2**20:
            problems.append(f'{path}: {path.stat().st_size // 1024} KB, the limit is 1024')
        if any(o['output_type'] == 'error' for o in outputs):
            problems.append(f'{path}: a saved output is an error')
        if re.search(r'(?<![\w.])/(home|root|tmp|work|Users)/', text):
            problems.append(f'{path}: names an absolute path')
    return problems


def names_of(source):
    "The global names that a cell makes, imports and uses."
    top = symtable.symtable(re.sub(r'^[%!].*', '', source, flags=re.M), 'cell', 'exec')
    made = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    used, scopes = {s.get_name() for s in top.get_symbols() if s.is_referenced()}, [*top.get_children()]
    while scopes:
        scope = scopes.pop()
        used |= {s.get_name() for s in scope.get_symbols() if s.is_global() and s.is_referenced()}
        scopes += scope.get_children()
    return made, {s.get_name() for s in top.get_symbols() if s.is_imported()}, used


def skipped():
    "A cell that may be skipped imports nothing, and makes nothing that a cell needs which is run."
    problems, flags = [], {'cuda', 'slow', 'data', 'browser'}
    for path in notebooks:
        known, lost = set(), {}  # names that are always there; name -> what the cell that makes it waits for
        for number, cell in enumerate(json.loads(path.read_text(encoding='utf-8'))['cells']):
            source = ''.join(cell['source'])
            if cell['cell_type'] != 'code':
                continue
            waits = flags & set(re.findall(r'^#\|\s*(\w+)\s*$', source, flags=re.M))
            made, imported, used = names_of(source)
            problems += [f'{path}: cell {number} waits for {"/".join(sorted(waits))} and imports {name}; import it in the first cell' for name in imported if waits]
            problems += [f'{path}: cell {number} uses {name}, which is made only where {"/".join(sorted(lost[name]))} is tested' for name in used - made if lost.get(name, set()) - waits]
            if waits:
                lost.update(dict.fromkeys(made - known, waits))
            else:
                known, lost = known | made, {k: v for k, v in lost.items() if k not in made}
    return problems


def words():
    "Notebooks, tools and pages use the field's words and American spelling."
    texts = {str(p): '\n'.join(''.join(c['source']) for c in json.loads(p.read_text(encoding='utf-8'))['cells']) for p in notebooks}
    texts |= {str(p): p.read_text(encoding='utf-8') for p in (*Path('.ci').glob('*.py'), *Path().glob('*.md'))}
    return [problem for name, text in texts.items() for problem in wrong_words(name, text)]


def crossing(tree, name):
    "The private names that a module imports from another one of the library."
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or '').startswith(library)):
            yield from (f'{name}: imports the private {a.name} of {node.module}' for a in node.names if a.name.startswith('_') and not a.name.startswith('__'))


def public_names():
    "Every public name is defined once, and no private name crosses a module."
    problems, places = [], {}
    for path in sorted(p for p in Path(library).rglob('*.py') if p.stem not in ('__init__', '_modidx')):
        tree = ast.parse(path.read_text(encoding='utf-8'))
        problems += crossing(tree, path)
        for node in tree.body:
            patched = isinstance(node, ast.FunctionDef) and any('patch' in ast.unparse(d) for d in node.decorator_list)
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith('_') and not patched:
                places.setdefault(node.name, []).append(str(path))
    return problems + [f'{name}: is defined in {" and in ".join(found)}; give one of them another name' for name, found in places.items() if len(found) > 1]


READABLE = {'exports before an example': 3, 'exports in a row': 3, 'lines of an export cell (90 %)': 25}  # at most


def structure(path):
    "How many export cells come before the first example and in a row, and how long most of them are."
    before = row = longest = 0
    first, lines = None, []
    for cell in json.loads(path.read_text(encoding='utf-8'))['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] != 'code' or re.search(r'^#\|\s*(hide|default_exp)\b', source, flags=re.M):
            continue
        if re.match(r'\s*#\|\s*export', source):
            before, row = before + 1, row + 1
            longest = max(longest, row)
            lines.append(source.count('\n') + 1)
        else:
            first, row = before if first is None and before else first, 0
    found = (before if first is None else first, longest, sorted(lines)[int(0.9 * (len(lines) - 1))] if lines else 0)
    return dict(zip(READABLE, found, strict=True))


def readable():
    "Examples follow at once, and cells are short; notebooks that are not so yet (.ci/structure.json) do not get worse."
    known, problems = json.loads((root / '.ci/structure.json').read_text(encoding='utf-8')), []
    for path in (p for p in notebooks if p.parent.name == 'nbs'):
        found, was = structure(path), known.get(path.stem, {})
        for name, most in READABLE.items():
            limit = max(most, was.get(name, 0))
            if found[name] > limit:
                problems.append(f'{path}: {name}: {found[name]}, at most {limit}')
            elif name in was and found[name] < was[name]:
                problems.append(f'{path}: {name}: {found[name]} is better than {was[name]} in .ci/structure.json; write it there, or remove it if it is at most {most}')
    return problems


def holding(flag):
    "A pattern of the notebooks that have cells of a flag."
    return '|'.join(re.escape(p.name) for p in notebooks if re.search(rf'"#\| {flag}\b', p.read_text(encoding='utf-8')))


def run_notebooks():
    "`nbdev_test` as on a machine that has only this clone; then, where real data are, the notebooks that read them once more."
    print('  cells marked `cuda` are skipped: they need a GPU')
    lost = browser.missing('jupyterlab', 'anywidget')
    if lost:
        print(f'  cells marked `browser` are skipped: {lost}')
    shown = '' if lost else holding('browser')
    passed = test_notebooks(['slow'], '--n_workers', '2', *(['--skip_file_re', f'^[_.]|{shown}'] if shown else []), data=False)
    if shown:  # alone: a page that waits for a busy machine looks like a page that is broken
        passed &= test_notebooks(['slow', 'browser'], '--n_workers', '1', '--file_re', shown, data=False)
    if Path(os.environ.get('MATTE_DATA') or root.parent / 'shared' / 'data').is_dir():
        passed &= test_notebooks(['data'], '--n_workers', '2', '--file_re', holding('data'))  # what is slow has been tested above
    else:
        print('  cells marked `data` are skipped: neither MATTE_DATA nor ../shared/data is a folder')
    return [] if passed else ['a notebook failed; its name and the cell stand above']


def test_notebooks(flags, *options, data=True):
    "Did all of them pass?"
    call = [tools / 'nbdev_test', '--flags', ' '.join(flags), '--timing', '--pause', '0.1', *options]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'NUMBA_NUM_THREADS': '1', 'HF_HUB_OFFLINE': '1', 'PYTHONWARNINGS': 'ignore'}
    hidden = {} if data else {'MATTE_DATA': os.devnull}  # no folder
    print(f'  {" ".join(map(str, call[1:]))}{"" if data else ", without real data"}', flush=True)
    return not subprocess.run(call, env={**environment, **hidden}).returncode


def main():
    "Run them all; exit code 1 if one failed."
    passed = failed = 0
    for check in (unchanged, rooms, skipped, public_names, words, readable, imports, lint, tidy, run_notebooks):
        start = time.time()
        print(f'{check.__name__}: {check.__doc__}', flush=True)
        problems = check()
        print(*(f'  {p}' for p in problems), f'  {"FAILED" if problems else "ok"} in {time.time() - start:.0f} s', sep='\n', flush=True)
        count = len(notebooks) if check is run_notebooks and not problems else 1
        passed, failed = passed + count * (not problems), failed + bool(problems)
    print(f'{passed} passed, {failed} failed')
    sys.exit(bool(failed))


if __name__ == '__main__':
    main()
