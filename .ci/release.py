"""Check that a release agrees with itself, and write its notes. Nothing is built, fetched or uploaded.

    .ci/release.py v0.1.0 --dist dist --notes notes.md    what the release workflow runs on a tag
    .ci/release.py --rehearse                             what CI runs: the next release, and what must be refused
"""
import argparse
import ast
import configparser
import re
import subprocess
import sys
import tempfile
import zipfile
from datetime import date
from pathlib import Path

root = Path(__file__).resolve().parent.parent
LIBRARY = 'twinswin_matte'
WORKFLOW = '.github/workflows/release.yaml'
HEADING = re.compile(r'^## (?P<version>\d+\.\d+\.\d+\S*), (?P<when>unreleased|\d{4}-\d{2}-\d{2})$', flags=re.M)


def read_settings(folder):
    "The section of settings.ini."
    parser = configparser.ConfigParser(delimiters=['='])
    parser.read(folder / 'settings.ini', encoding='utf-8')
    return parser['DEFAULT']


def module_version(folder):
    "The version that the package states, read without importing it."
    tree = ast.parse((folder / LIBRARY / '__init__.py').read_text(encoding='utf-8'))
    found = [n.value for n in tree.body if isinstance(n, ast.Assign) and any(isinstance(t, ast.Name) and t.id == '__version__' for t in n.targets)]
    return found[0].value if found and isinstance(found[0], ast.Constant) else None


def citation_facts(folder):
    "Version, and date if there is one, of CITATION.cff."
    text = (folder / 'CITATION.cff').read_text(encoding='utf-8')
    found = {key: re.search(rf'^{key}:\s*["\']?([^"\'\s]+)', text, flags=re.M) for key in ('version', 'date-released')}
    return {key: match and match[1] for key, match in found.items()}


def changelog_sections(text):
    "[(version, 'unreleased' or date, notes)] of a changelog, newest first."
    found = list(HEADING.finditer(text))
    ends = [*(m.start() for m in found), len(text)][1:]
    return [(m['version'], m['when'], text[m.end():end].strip()) for m, end in zip(found, ends, strict=True)]


def is_date(text):
    "Whether a day exists."
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def check_changelog(folder, version, *, tagged):
    "Complaints about the changelog's section of a version, and the section's text."
    text = (folder / 'CHANGELOG.md').read_text(encoding='utf-8')
    odd = [line for line in re.findall(r'^## .*$', text, flags=re.M) if not HEADING.match(line)]
    problems = [f'CHANGELOG.md: {line!r}: write "## 1.2.3, 2027-01-31" or "## 1.2.3, unreleased"' for line in odd]
    sections = changelog_sections(text)
    mine = [(when, notes) for number, when, notes in sections if number == version]
    if len(mine) != 1:
        return [*problems, f'CHANGELOG.md: {len(mine)} sections for {version}, wanted one'], ''
    when, notes = mine[0]
    if sections[0][0] != version:
        problems.append(f'CHANGELOG.md: {version} is not the first section; newer ones stand above it')
    if not re.search(r'^- ', notes, flags=re.M):
        problems.append(f'CHANGELOG.md: the section of {version} lists nothing')
    if when == 'unreleased' and tagged:
        problems.append(f'CHANGELOG.md: {version} is marked unreleased; write its date')
    if when != 'unreleased' and not is_date(when):
        problems.append(f'CHANGELOG.md: {when} is no day')
    return problems, notes


def check_dist(dist, version):
    "Complaints about a folder of built files: one wheel and one sdist of this version, and nothing else."
    files = sorted(p for p in Path(dist).glob('*') if p.is_file())
    wheels = [p for p in files if p.name.startswith(f'{LIBRARY}-{version}-') and p.suffix == '.whl']
    sdists = [p for p in files if p.name == f'{LIBRARY}-{version}.tar.gz']
    problems = [f'{p}: neither the wheel nor the sdist of {version}; empty the folder and build again' for p in files if p not in wheels + sdists]
    if (len(wheels), len(sdists)) != (1, 1):
        problems.append(f'{dist}: {len(wheels)} wheels and {len(sdists)} sdists of {version}, wanted one of each; run make wheel')
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            stated = [re.findall(r'^Version: (.+)$', archive.read(n).decode(), flags=re.M) for n in archive.namelist() if n.endswith('.dist-info/METADATA')]
        if stated != [[version]]:
            problems.append(f'{wheel}: its metadata say {stated}, not {version}')
    return problems


def check_release(folder, tag=None, dist=None):
    "Everything that must agree; without a tag, for the next release. Complaints, and the release notes."
    version = read_settings(folder)['version']
    problems, notes = check_changelog(folder, version, tagged=tag is not None)
    if module_version(folder) != version:
        problems.append(f'{LIBRARY}/__init__.py: version {module_version(folder)}, settings.ini has {version}; run make export')
    cited = citation_facts(folder)
    if cited['version'] != version:
        problems.append(f'CITATION.cff: version {cited["version"]}, settings.ini has {version}')
    if tag is not None and tag != f'v{version}':
        problems.append(f'the tag is {tag}, settings.ini has {version}; the tag must be v{version}')
    when = {number: when for number, when, _ in changelog_sections((folder / 'CHANGELOG.md').read_text(encoding='utf-8'))}.get(version)
    if tag is not None and cited['date-released'] != when:
        problems.append(f'CITATION.cff: date-released is {cited["date-released"]}, CHANGELOG.md has {when}')
    return [*problems, *(check_dist(dist, version) if dist else [])], notes


# The rehearsal

def copy_of(folder, target, when):
    "What a release is made of, in another folder, with a date in the changelog and the citation."
    version = read_settings(folder)['version']
    (target / LIBRARY).mkdir(parents=True)
    for name in ('settings.ini', 'CHANGELOG.md', 'CITATION.cff', f'{LIBRARY}/__init__.py'):
        (target / name).write_text((folder / name).read_text(encoding='utf-8'), encoding='utf-8')
    edit(target / 'CHANGELOG.md', rf'^## {re.escape(version)}, .*$', f'## {version}, {when}')
    lines = [line for line in (target / 'CITATION.cff').read_text(encoding='utf-8').splitlines() if not line.startswith('date-released:')]
    (target / 'CITATION.cff').write_text('\n'.join([*lines, f'date-released: "{when}"', '']), encoding='utf-8')
    return version


def edit(path, pattern, new):
    "Replace the one match of a pattern in a file."
    text, count = re.subn(pattern, lambda _: new, path.read_text(encoding='utf-8'), count=1, flags=re.M)
    if not count:
        raise SystemExit(f'{path.name}: nothing matches {pattern!r}, so the rehearsal has nothing to spoil')
    path.write_text(text, encoding='utf-8')


def fake_dist(folder, version, stated):
    "A wheel of a name and of the version its metadata state, and an empty sdist."
    folder.mkdir()
    (folder / f'{LIBRARY}-{version}.tar.gz').touch()
    with zipfile.ZipFile(folder / f'{LIBRARY}-{version}-py3-none-any.whl', 'w') as archive:
        archive.writestr(f'{LIBRARY}-{version}.dist-info/METADATA', f'Metadata-Version: 2.4\nVersion: {stated}\n')
    return folder


def call(*arguments, folder):
    "Exit code and output of this script on another folder, as the workflow calls it."
    done = subprocess.run([sys.executable, __file__, *map(str, arguments), '--root', str(folder)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def check_workflow(folder):
    "Complaints about the release workflow: every script and make target that it runs is there, and nothing uploads before the checks."
    text = re.sub(r'(?m)(^|\s)#.*$', '', (folder / WORKFLOW).read_text(encoding='utf-8'))
    targets = re.findall(r'^([\w-]+):', (folder / 'Makefile').read_text(encoding='utf-8'), flags=re.M)
    problems = [f'{WORKFLOW}: {name} is not there' for name in sorted(set(re.findall(r'\.ci/\w+\.py', text))) if not (folder / name).is_file()]
    problems += [f'{WORKFLOW}: make {name}: the Makefile has no such target' for name in sorted(set(re.findall(r'\bmake ([\w-]+)', text))) if name not in targets]
    steps = ['make wheel', '.ci/release.py', 'actions/attest-build-provenance', 'pypa/gh-action-pypi-publish', 'gh release create']
    places = [text.find(step) for step in steps]
    if -1 in places or places != sorted(places):
        problems.append(f'{WORKFLOW}: expected, in this order: {", ".join(steps)}')
    return problems


def rehearse(folder, dist=None):
    "Complaints: the next release as it would go today, then faults that must be found."
    problems, _ = check_release(folder, dist=dist)
    problems += check_workflow(folder)
    with tempfile.TemporaryDirectory() as name:
        home, today = Path(name), '2026-12-24'
        version = copy_of(folder, home / 'good', today)
        good = fake_dist(home / 'dist', version, version)
        code, said = call(f'v{version}', '--dist', good, '--notes', home / 'notes.md', folder=home / 'good')
        problems += [f'the rehearsed release is refused: {said.strip()}'] * bool(code)
        written = (home / 'notes.md').read_text(encoding='utf-8') if (home / 'notes.md').is_file() else ''
        problems += ['the release notes are not the section of the changelog'] * (written.strip() != check_changelog(home / 'good', version, tagged=True)[1] or not written)
        spoilt = {
            'another tag': ([f'v{version}1'], None, f'the tag must be v{version}'),
            'a tag without v': ([version], None, f'the tag must be v{version}'),
            'another version in the package': ([f'v{version}'], (f'{LIBRARY}/__init__.py', r'^__version__ = .*$', '__version__ = "9.9.9"'), 'run make export'),
            'another version in the citation': ([f'v{version}'], ('CITATION.cff', r'^version: .*$', 'version: 9.9.9'), 'CITATION.cff: version 9.9.9'),
            'another date in the citation': ([f'v{version}'], ('CITATION.cff', r'^date-released: .*$', 'date-released: "2020-01-01"'), 'date-released is 2020-01-01'),
            'no date': ([f'v{version}'], ('CHANGELOG.md', rf'^## {re.escape(version)}, .*$', f'## {version}, unreleased'), 'write its date'),
            'a day that is none': ([f'v{version}'], ('CHANGELOG.md', rf'^## {re.escape(version)}, .*$', f'## {version}, 2026-02-30'), '2026-02-30 is no day'),
            'no section': ([f'v{version}'], ('CHANGELOG.md', rf'^## {re.escape(version)}, .*$', '## 0.0.1, 2020-01-01'), f'0 sections for {version}'),
            'a heading of another form': ([f'v{version}'], ('CHANGELOG.md', rf'^## {re.escape(version)}, .*$', f'## [{version}] - {today}'), 'write "## 1.2.3'),
            'a newer section above': ([f'v{version}'], ('CHANGELOG.md', r'^## ', '## 99.0.0, unreleased\n\n- x\n\n## '), 'not the first section'),
            'an empty section': ([f'v{version}'], ('CHANGELOG.md', rf'^## {re.escape(version)}, .*$', f'## {version}, {today}\n\n## 0.0.1, 2020-01-01'), 'lists nothing'),
            'no files': ([f'v{version}', '--dist', home / 'nowhere'], None, 'run make wheel'),
            'a wheel of another version': ([f'v{version}', '--dist', fake_dist(home / 'other', '9.9.9', '9.9.9')], None, 'empty the folder'),
            'a wheel that states another': ([f'v{version}', '--dist', fake_dist(home / 'mixed', version, '9.9.9')], None, 'its metadata say'),
        }
        for number, (fault, (arguments, change, answer)) in enumerate(spoilt.items()):
            copy_of(folder, home / f'fault{number}', today)
            if change:
                edit(home / f'fault{number}' / change[0], *change[1:])
            code, said = call(*arguments, '--notes', home / f'fault{number}' / 'notes.md', folder=home / f'fault{number}')
            if code != 1 or answer not in said or (home / f'fault{number}' / 'notes.md').exists():
                problems.append(f'{fault}: expected to be refused with {answer!r}, got exit code {code}: {said.strip()}')
    print(f'release {version} rehearsed; {len(spoilt)} faults tried')
    return problems


def main():
    "Exit code 1 and one line for each complaint; the notes are written only if there is none."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('tag', nargs='?', help='the tag of the release, such as v0.1.0')
    parser.add_argument('--dist', type=Path, help='folder with the wheel and the sdist to check')
    parser.add_argument('--notes', type=Path, help='where the release notes go; without it they are printed')
    parser.add_argument('--rehearse', action='store_true', help='check the next release without a tag, and that faults are refused')
    parser.add_argument('--root', type=Path, default=root, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rehearse == bool(options.tag):
        parser.error('give a tag, or --rehearse')
    if options.rehearse:
        problems, notes = rehearse(options.root, options.dist), None
    else:
        problems, notes = check_release(options.root, options.tag, options.dist)
    if problems:
        print(*problems, sep='\n', file=sys.stderr)
        raise SystemExit(1)
    if notes and options.notes:
        options.notes.write_text(notes + '\n', encoding='utf-8')
    elif notes:
        print(notes)


if __name__ == '__main__':
    main()
