"""Render the notebooks as a site in `_docs/`, from their saved outputs: nothing is executed, nothing is fetched, warnings are errors.

    .ci/docs.py            the site
    .ci/docs.py --check    the site in a temporary folder, and everything that must hold of it
"""
import argparse
import ast
import configparser
import io
import json
import re
import shutil
import sys
import tempfile
import time
import tokenize
from collections import namedtuple
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat

root = Path(__file__).resolve().parent.parent
PACKAGE = 'twinswin_matte'
ROOMS = {
    'tutorials': ('Tutorials', 'One task each, from the first command to the last picture.'),
    'ground': ('Ground floor', 'The words everyone speaks: samples, trimaps, composites, losses, metrics.'),
    'data': ('Data', 'Pictures become batches.'),
    'models': ('Models', 'Batches become mattes: parts, one page per method, and the zoo that knows them all.'),
    'train': ('Train', 'A run that can be killed and resumed.'),
    'apply': ('Apply', 'Mattes become files, videos and tables.'),
    'command': ('Command line', 'The one door into every room.'),
    'experiments': ('Experiments', 'Questions, with answers and their spread.'),
}
PROJECT = {'contributing': 'CONTRIBUTING.md', 'changelog': 'CHANGELOG.md', 'security': 'SECURITY.md'}  # files of the repository that are pages, too
TENS = {'0': 'ground', '1': 'data', '2': 'models', '3': 'train', '4': 'apply'}
COMMANDS = {'adapt', 'data', 'demo', 'evaluate', 'experiment', 'export', 'join', 'models', 'predict', 'push', 'save', 'serve', 'train'}  # of `matte`; as functions they are written `train()`
METHODS = range(23, 29)  # one paper, one notebook
# docutils' own MathML knows most of LaTeX; these are the rest of what the notebooks say.
LATEX = [(r'\textit{', r'\mathit{'), (r'\mathrel{+}', '+'), (r'\dots', r'\ldots')]

Page = namedtuple('Page', 'path doc room number title line')
Item = namedtuple('Item', 'kind name node source options')
Row = namedtuple('Row', 'name type default meaning')


# What there is

def read_notebook(path):
    "The cells and outputs of a file; CI checks elsewhere that it is valid."
    return nbformat.v4.reads(path.read_text(encoding='utf-8'))


def read_page(path):
    "Name, room, title and subtitle of a notebook."
    cells = read_notebook(path).cells
    text = next((c.source for c in cells if c.cell_type == 'markdown'), '')
    title = re.search(r'^# (.+)', text, flags=re.M)
    line = re.search(r'^> (.+)', text, flags=re.M)
    number, name = re.fullmatch(r'(?:(\d+[a-z]?)_)?(.+)', path.stem).groups('')
    folder = path.parent.relative_to(root / 'nbs').as_posix()
    room = folder if folder != '.' else 'command' if number >= '48' else TENS.get(number[:1], 'front')
    doc = name if folder == '.' else f'{folder}.{name}'
    return Page(path, doc if room != 'front' else path.stem, room, number, title[1] if title else path.stem, line[1] if line else '')


def read_pages():
    "Every notebook, in the order of the numbers."
    paths = [p for p in sorted((root / 'nbs').rglob('*.ipynb')) if not any(part.startswith(('.', '_')) for part in p.relative_to(root / 'nbs').parts)]
    return [read_page(p) for p in paths]


def directives(source):
    "The `#|` lines of a cell as {name: value}."
    found = re.findall(r'^\s*#\|\s*([\w-]+):?[ \t]*(.*)$', source, flags=re.M)
    return {name: value.strip() for name, value in found}


def without_directives(source):
    "A cell without its `#|` lines."
    return re.sub(r'^\s*#\|.*\n?', '', source, flags=re.M).strip('\n')


def is_import(node):
    "Whether a statement brings in names and does no more."
    return isinstance(node, (ast.Import, ast.ImportFrom)) or isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


# The docments

def comments_of(source):
    "Comments by line, as docments reads them."
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip('#').strip() for t in tokens if t.type == tokenize.COMMENT}


def comment_for(line, comments, taken):
    "The comment beside a parameter, or those right above it."
    if line in comments:
        return comments[line]
    above = []
    while line - 1 in comments and line - 1 not in taken:
        line -= 1
        above.insert(0, comments[line])
    return ' '.join(above)


def unparsed(node):
    "Source text of an annotation or default, or nothing."
    return '' if node is None else ast.unparse(node)


def parameters(node, *, method):
    "[(argument, name as written, default)] of a function, without self."
    a = node.args
    plain = a.posonlyargs + a.args
    defaults = [None] * (len(plain) - len(a.defaults)) + a.defaults
    rows = list(zip(plain, [p.arg for p in plain], defaults, strict=True))[1 if method else 0:]
    rows += [(a.vararg, '*' + a.vararg.arg, None)] if a.vararg else []
    rows += [(p, p.arg, d) for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True)]
    return rows + ([(a.kwarg, '**' + a.kwarg.arg, None)] if a.kwarg else [])


def function_rows(item):
    "The table of a function: parameters, then what it returns."
    method = item.kind in ('method', 'property', 'class') and 'staticmethod' not in item.options
    comments, found = comments_of(item.source), parameters(item.node, method=method)
    taken = {p.lineno for p, _, _ in found}
    rows = [Row(name, unparsed(p.annotation), unparsed(d), comment_for(p.lineno, comments, taken)) for p, name, d in found]
    if item.node.returns is not None and item.node.name != '__init__':
        said = comment_for(item.node.returns.end_lineno, comments, taken) if item.node.returns.end_lineno not in taken else ''
        rows.append(Row('returns', unparsed(item.node.returns), '', said))
    return rows


def field_rows(item):
    "The table of a dataclass, or of the declared attributes of a class."
    comments, fields = comments_of(item.source), [n for n in item.node.body if isinstance(n, ast.AnnAssign) and not n.target.id.startswith('_')]
    taken = {n.lineno for n in fields}
    return [Row(n.target.id, unparsed(n.annotation), unparsed(n.value), comment_for(n.lineno, comments, taken)) for n in fields]


def initializer(node):
    "The `__init__` of a class, or None."
    return next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == '__init__'), None)


def rows_of(item):
    "The table of anything documented."
    if item.kind == 'data':
        return []
    if item.kind != 'class':
        return function_rows(item)
    first = initializer(item.node)
    return function_rows(item._replace(node=first)) if first else field_rows(item)


def signature(item):
    "Parameters with defaults, as one calls it."
    if item.kind in ('property', 'data'):
        return ''
    node = item.node
    if item.kind == 'class':
        node = initializer(node)
        if node is None:
            made = any('dataclass' in unparsed(d) or 'NamedTuple' in unparsed(d) for d in item.node.decorator_list + item.node.bases)
            return '(' + ', '.join(r.name + (f'={r.default}' if r.default else '') for r in field_rows(item)) + ')' if made else ''
    parts, args, star = [], node.args, node.args.vararg is not None
    method = item.kind != 'function' and 'staticmethod' not in item.options
    for p, name, default in parameters(node, method=method):
        if p in args.kwonlyargs and not star:
            parts, star = parts + ['*'], True
        parts.append(name + (f'={unparsed(default)}' if default is not None else ''))
    returns = f' -> {unparsed(node.returns)}' if node.returns is not None and item.kind != 'class' else ''
    return '(' + ', '.join(parts) + ')' + returns


def method_item(owner, node, source):
    "A method, property, class method or static method of a named class."
    words = ' '.join(unparsed(d) for d in node.decorator_list)
    kind = 'property' if re.search(r'\b(cached_)?property\b|as_prop=True', words) else 'method'
    options = [o for o in ('classmethod', 'staticmethod') if o in words] + (['classmethod'] if 'cls_method=True' in words else [])
    return Item(kind, f'{owner}.{node.name}', node, source, options)


def is_public(name):
    "Whether a dotted name has no private part; `__call__` and its kin are public, `__init__` belongs to its class."
    return all(not part.startswith('_') or re.fullmatch(r'__\w+__', part) for part in name.split('.')) and not name.endswith('.__init__')


def items_of(source):
    "Everything public that an export cell defines."
    found, comments = [], None
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            patched = any(unparsed(d).startswith('patch') for d in node.decorator_list)
            owner = node.args.args[0].annotation if patched else None
            owners = [unparsed(o) for o in (owner.elts if isinstance(owner, ast.Tuple) else [owner])] if owner is not None else []
            found += [method_item(o, node, source) for o in owners] or [Item('function', node.name, node, source, [])]
        elif isinstance(node, ast.ClassDef):
            found.append(Item('class', node.name, node, source, []))
            found += [method_item(node.name, n, source) for n in node.body if isinstance(n, ast.FunctionDef)]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            comments = comments_of(source) if comments is None else comments
            found.append(Item('data', node.targets[0].id, node, comments.get(node.end_lineno, ''), []))
    return [i for i in found if is_public(i.name)]


# Text with links

class Links:
    "Where every exported name and every notebook is."
    def __init__(self, pages, names):
        self.names, self.pages = {}, {p.path.name: p.doc for p in pages}
        for doc, name in names:  # the lower number wins
            self.names.setdefault(name, []).append(doc)
        self.docs = {p.doc for p in pages}

    def code(self, text, doc, own=''):
        "A backticked text, as a link if it names something."
        head = re.match(r"(?:twinswin_matte\.)?([A-Za-z_][\w.]*)(?:\(.*\))?$", text)
        name = head[1] if head else ''
        if name in self.docs and '.' in name and name == text.removeprefix(PACKAGE + '.'):
            return f'[`{text}`]({name}.ipynb)' if name != doc else f'`{text}`'
        prefix = next((d for d in self.docs if '.' in d or text.startswith(PACKAGE) if name.startswith(d + '.')), None)
        name = name[len(prefix) + 1:] if prefix and name not in self.names else name
        if name in self.names and name != own and text not in COMMANDS:
            homes = self.names[name]
            home = prefix if prefix in homes else doc if doc in homes else homes[0]
            return '{py:obj}`' + f'{text} <{PACKAGE}.{home}.{name}>`'
        command = re.match(r'matte( [a-z]+)*$', text)
        return f'[`{text}`](cli.ipynb)' if command and doc != 'cli' and 'cli' in self.docs else f'`{text}`'

    def text(self, source, doc, own=''):
        "Markdown with its backticks and notebook links made into links."
        pattern = r'(?P<block>^(?P<f>`{3,}|~{3,}).*?^(?P=f)[ \t]*$|^\$\$.*?\$\$|^#{1,6} .*?$)|(?P<link>\[[^\]]*\]\([^)\s]*\))|(?<!`)`(?P<code>[^`\n]+)`(?!`)'

        def one(m):
            if m['link']:
                return re.sub(r'\((?:\./|\.\./|nbs/)*(?:\w+/)?([^()/#]+\.ipynb)', lambda n: f'({self.pages[n[1]]}.ipynb' if n[1] in self.pages else n[0], m[0])
            return m[0] if m['block'] else self.code(m['code'], doc, own)
        return re.sub(pattern, one, source, flags=re.M | re.S)


def escaped(text):
    "Plain text of a comment or docstring as Markdown; what is in backticks stays."
    parts = re.split(r'(`[^`]+`)', text)
    return ''.join(p if p.startswith('`') else re.sub(r'([*<>$\[\]])', r'\\\1', p) for p in parts)


def in_table(text):
    "Text for a cell of a table."
    return re.sub(r'(?<!\\)\|', r'\\|', text).replace('\n', ' ') or ' '


def table(rows, doc, own, links):
    "Parameter, type, default and meaning; columns that would be empty are left out."
    shown = [column for column in ('type', 'default', 'meaning') if any(getattr(r, column) for r in rows)]
    if not set(shown) & {'type', 'meaning'}:
        return ''  # the signature says as much
    lines = ['| | ' + ' | '.join(shown) + ' |', '|---' * (len(shown) + 1) + '|']
    for r in rows:
        said = {'type': r.type and links.code(r.type, doc, own), 'default': r.default and f'`{r.default}`', 'meaning': links.text(escaped(r.meaning), doc, own)}
        name = '**returns**' if r.name == 'returns' else f'`{r.name}`'
        lines.append(f'| {name} | ' + ' | '.join(in_table(said[column]) for column in shown) + ' |')
    return '\n'.join(lines)


def entry(item, doc, links):
    "The API entry of one name, as a directive of Sphinx's Python domain."
    doctext = item.source if item.kind == 'data' else ast.get_docstring(item.node) or ''
    typed = [f':type: {unparsed(item.node.returns)}'] if item.kind == 'property' and item.node.returns is not None else []
    typed += [f':value: {value}'] if item.kind == 'data' and len(value := unparsed(item.node.value)) <= 80 else []
    rows = [] if item.kind == 'property' else rows_of(item)
    dunder = item.name.split('.')[-1].startswith('__')
    if dunder and not doctext and not any(r.meaning for r in rows):
        return ''
    lines = ['``````{py:' + item.kind + '} ' + item.name + signature(item), f':module: {PACKAGE}.{doc}', *[f':{o}:' for o in item.options], *typed, '']
    lines += [links.text(escaped(doctext), doc, item.name), '', table(rows, doc, item.name, links), '``````', '']
    return '\n'.join(lines)


# Notebooks for MyST-NB

def code_cell(cell, *tags, alt):
    "A cell without directives, for MyST-NB."
    cell.source = without_directives(cell.source)
    cell.metadata = nbformat.NotebookNode(tags=list(tags), mystnb={'image': {'alt': alt}})
    cell.execution_count = None
    for output in cell.get('outputs', []):
        output.pop('execution_count', None)
        if 'text/html' in output.get('data', {}):
            output.data['text/html'] = re.sub(r'<style scoped>.*?</style>\n?', '', output.data['text/html'], flags=re.S)
    return cell


def export_cells(cell, page, links, seen, alt):
    "API entries, then the source, folded; imports are dropped."
    said, source = directives(cell.source), without_directives(cell.source)
    nodes = ast.parse(source).body
    if all(is_import(n) or ast.unparse(n).startswith('_all_ = ') for n in nodes):
        return []
    items = [i for i in items_of(source) if not (i.name in seen or seen.add(i.name))]
    entries = [text for i in items if (text := entry(i, page.doc, links))]
    short = not any(i.kind != 'data' for i in items) and len(source.splitlines()) <= 12
    tags = [] if 'exports' in said or short else ['hide-input']
    return ([nbformat.v4.new_markdown_cell('\n'.join(entries))] if entries else []) + [code_cell(cell, *tags, alt=alt)]


def shown_cell(cell, alt):
    "An example with what its directives ask for, or nothing."
    said = directives(cell.source)
    if 'hide' in said or 'default_exp' in said or said.get('include') == 'false':
        return []
    tags = ['remove-input'] if said.get('echo') == 'false' or 'hide_input' in said else []
    tags += ['remove-output'] if said.get('output') == 'false' or 'hide_output' in said else []
    tags += ['hide-input'] if said.get('code-fold') in ('true', 'show') and not tags else []
    return [code_cell(cell, *tags, alt=alt)]


def first_cell(page, source, links):
    "Title, subtitle, and what the page is made of."
    body = re.sub(r'^# .*\n+', '', source.strip(), count=1)
    body = re.sub(r'^> .*(\n> .*)*\n*', '', body, count=1)
    front = page.room == 'front'
    module = '' if front or page.room in ('tutorials', 'experiments') else f'`{PACKAGE}.{page.doc}`'
    made = f'{{.made-of}}\n{module + ", written" if module else "Written"} in `{page.path.relative_to(root).as_posix()}`.\n\n'
    lead = f'{{.lead}}\n{links.text(page.line, page.doc)}\n\n' if page.line else ''
    declared = f'```{{py:module}} {PACKAGE}.{page.doc}\n```\n\n' if module else ''
    return f'# {page.title}\n\n{declared}{lead}{"" if front else made}{links.text(body, page.doc)}'


def for_myst(page, links):
    "A notebook as MyST-NB shall see it."
    notebook, cells, seen, alt, first = read_notebook(page.path), [], set(), page.title, True
    for cell in notebook.cells:
        if cell.cell_type == 'markdown':
            cell.source = first_cell(page, cell.source, links) if first else links.text(cell.source, page.doc)
            heading = re.findall(r'^#+ (.*)', cell.source, flags=re.M)
            alt, first = f'{page.title}: {heading[-1]}' if heading and not first else alt, False
            cells.append(cell)
        elif cell.cell_type == 'code' and any(k in directives(cell.source) for k in ('export', 'exports', 'exporti')) and 'hide' not in directives(cell.source):
            cells += export_cells(cell, page, links, seen, alt)
        elif cell.cell_type == 'code':
            cells += shown_cell(cell, alt)
    notebook.cells = cells
    kernel = {'name': 'python3', 'display_name': 'Python 3', 'language': 'python'}
    meta = {'description': page.line.replace('`', '')} if page.line else {}
    notebook.metadata = nbformat.NotebookNode(kernelspec=kernel, language_info={'name': 'python'}, myst={'html_meta': meta})
    return notebook


# The tables of contents

def toctree(docs, caption=''):
    "A table of contents that only the sidebar shows."
    return '\n'.join(['```{toctree}', ':hidden:', *([f':caption: {caption}'] if caption else []), '', *docs, '```', ''])


def listing(pages, links):
    "Pages with their subtitles."
    return '\n'.join(f'- [{p.title}]({p.doc}.ipynb): {links.text(p.line, p.doc)}' if p.line else f'- [{p.title}]({p.doc}.ipynb)' for p in pages) + '\n'


def room_page(room, pages, links):
    "What is in a room."
    title, line = ROOMS[room]
    groups = {'': pages}
    if room == 'models':
        method = {p.doc for p in pages if int(re.match(r'\d+', p.number)[0]) in METHODS}
        groups = {'Methods': [p for p in pages if p.doc in method], 'Parts and the zoo': [p for p in pages if p.doc not in method]}
    parts = [f'# {title}\n\n{{.lead}}\n{line}\n']
    for name, some in groups.items():
        parts += [f'## {name}\n' if name else '', listing(some, links), toctree([p.doc for p in some], name)]
    return '\n'.join(parts)


def rooms_of(pages):
    "{room: its pages} of the rooms that hold something."
    unknown = {p.room for p in pages} - set(ROOMS) - {'front'}
    if unknown:
        raise SystemExit(f'docs: no room for {sorted(unknown)}; give it one in ROOMS')
    return {room: found for room in ROOMS if (found := [p for p in pages if p.room == room])}


def write_sources(folder):
    "Everything Sphinx reads; returns the pages."
    pages = read_pages()
    if lost := dangling(pages):
        raise SystemExit('docs: ' + '\ndocs: '.join(lost))
    names = [(p.doc, i.name) for p in pages for i in page_items(p)]
    links, rooms = Links(pages, names), rooms_of(pages)
    for page in pages:
        notebook = for_myst(page, links)
        if page.doc == 'index':
            contents = '\n'.join(f'- [{ROOMS[r][0]}](room-{r}.md): {ROOMS[r][1]}' for r in rooms) + '\n- [Project](project.md): Contributing, what changes, security.\n- {ref}`Every name, from A to Z <genindex>`\n'
            notebook.cells.append(nbformat.v4.new_markdown_cell(f'## All pages\n\n{contents}\n' + toctree([*(f'room-{r}' for r in rooms), 'project'])))
        (folder / f'{page.doc}.ipynb').write_text(json.dumps(notebook), encoding='utf-8')
    for room, some in rooms.items():
        (folder / f'room-{room}.md').write_text(room_page(room, some, links), encoding='utf-8')
    write_project(folder)
    return pages


def write_project(folder):
    "The files for those who carry on, and their page of contents."
    texts = {name: (root / file).read_text(encoding='utf-8') for name, file in PROJECT.items()}
    for name, text in texts.items():
        (folder / f'{name}.md').write_text(text, encoding='utf-8')
    names = '\n'.join(f'- [{re.search(r"^# (.+)", text, flags=re.M)[1]}]({name}.md)' for name, text in texts.items())
    (folder / 'project.md').write_text(f'# Project\n\n{names}\n\n{toctree(list(texts))}', encoding='utf-8')


def dangling(pages):
    "Links to notebooks that are not there."
    known = {p.path.name for p in pages}
    texts = [(p, c.source) for p in pages for c in read_notebook(p.path).cells if c.cell_type == 'markdown']
    return [f'{p.path.name}: links to {goal}, which is not there' for p, text in texts for goal in re.findall(r'\]\((?:[^()\s:]*/)?([^()/\s#]+\.ipynb)', text) if goal not in known]


def page_items(page):
    "Every public name that a notebook exports."
    cells = [c for c in read_notebook(page.path).cells if c.cell_type == 'code']
    return [i for c in cells if {'export', 'exports'} & set(directives(c.source)) for i in items_of(without_directives(c.source))]


# Sphinx

def mathml(text, *, block):
    "A formula as MathML, which every browser draws without a script."
    from docutils.utils.math.latex2mathml import tex2mathml
    for ours, theirs in LATEX:
        text = text.replace(ours, theirs)
    # A bar with an index stays as high as its letter.
    return re.sub(r'<mo[^>]*>([|∣])</mo>', r'<mo stretchy="false">\1</mo>', tex2mathml(text, as_block=block))


def setup(app):
    "This file is its own Sphinx extension: formulas as MathML."
    from docutils.nodes import SkipNode

    def inline(self, node):
        self.body.append(mathml(node.astext(), block=False))
        raise SkipNode

    def block(self, node):
        self.body.append(f'<div class="formula">{mathml(node.astext(), block=True)}</div>')
        raise SkipNode
    app.add_html_math_renderer('mathml', (inline, None), (block, None))
    return {'parallel_read_safe': True, 'parallel_write_safe': True}


def configuration():
    "Sphinx's settings."
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(root / 'settings.ini')
    project = settings['DEFAULT']
    options = {
        'navbar_align': 'left', 'navbar_center': ['navbar-nav'], 'navbar_end': ['theme-switcher'], 'navbar_persistent': ['search-button'],
        'header_links_before_dropdown': len(ROOMS) + 1, 'show_toc_level': 2, 'secondary_sidebar_items': ['page-toc'], 'footer_start': ['copyright'], 'footer_end': [],
        'pygments_light_style': 'tango', 'pygments_dark_style': 'github-dark', 'navigation_with_keys': False, 'back_to_top_button': False,
    }
    return {
        'project': project['lib_name'], 'release': project['version'], 'project_copyright': project['copyright'] % project,
        'extensions': ['myst_nb', 'site_of_notebooks'], 'html_math_renderer': 'mathml', 'myst_update_mathjax': False,
        'myst_enable_extensions': ['dollarmath', 'attrs_block', 'deflist'], 'myst_heading_anchors': 4, 'myst_dmath_double_inline': True,
        'nb_execution_mode': 'off', 'nb_merge_streams': True, 'nb_render_markdown_format': 'gfm', 'nb_code_prompt_show': 'Source', 'nb_code_prompt_hide': 'Source',
        'add_module_names': False, 'toc_object_entries_show_parents': 'hide', 'maximum_signature_line_length': 140, 'smartquotes': False, 'python_display_short_literal_types': True,
        'html_theme': 'pydata_sphinx_theme', 'html_theme_options': options, 'html_title': project['lib_name'], 'html_static_path': [str(root / '.ci/docs.css')],
        'html_css_files': ['docs.css'], 'html_show_sourcelink': False, 'html_copy_source': False, 'html_domain_indices': False, 'html_show_sphinx': False,
        'html_sidebars': {'index': [], 'search': [], 'genindex': []}, 'html_permalinks_icon': '#', 'html_context': {'default_mode': 'auto'},
    }


def build(out, work, *, jobs=2):
    "Write the site; returns its pages."
    from sphinx.application import Sphinx
    sys.modules.setdefault('site_of_notebooks', sys.modules[__name__])
    source = work / 'source'
    source.mkdir(parents=True)
    pages = write_sources(source)
    app = Sphinx(source, None, out, work / 'doctrees', 'html', confoverrides=configuration(), status=None, warning=sys.stderr,
                 freshenv=True, warningiserror=True, parallel=jobs)
    app.build()
    if app.statuscode:
        raise SystemExit('docs: the warnings above are errors; correct the notebooks they name')
    (out / '.buildinfo').unlink(missing_ok=True)
    return pages


# What must hold of the site

def read_site(out):
    "{file name: its soup}."
    from bs4 import BeautifulSoup
    return {p.name: BeautifulSoup(p.read_text(encoding='utf-8'), 'html.parser') for p in sorted(out.glob('*.html'))}


def check_links(out, site):
    "Broken links, anchors and files; anything a browser would fetch from elsewhere."
    ids, wrong = {name: {t['id'] for t in soup.find_all(id=True)} for name, soup in site.items()}, []
    for name, soup in site.items():
        tags = [(t.name, t.get('href') or t.get('src')) for t in soup.find_all(['a', 'link', 'img', 'script', 'iframe', 'source', 'video'])]
        tags += [('srcset', t['srcset']) for t in soup.find_all(srcset=True)]
        for tag, target in tags:
            url = urlsplit(target or '')
            if url.scheme in ('http', 'https') or url.netloc:
                wrong += [f'{name}: <{tag}> fetches {target}'] if tag != 'a' else []
            elif url.scheme not in ('data', 'mailto', 'javascript'):
                file, anchor = unquote(url.path) or name, unquote(url.fragment)
                if target and not (out / file).exists():
                    wrong.append(f'{name}: no file {target}')
                elif anchor and file in ids and anchor not in ids[file]:
                    wrong.append(f'{name}: no anchor {target}')
    for style in out.rglob('*.css'):
        wrong += [f'{style.name} fetches {u}' for u in re.findall(r'(?:url\(|@import)\s*["\']?((?:https?:)?//[^"\')]+)', style.read_text(encoding='utf-8'))]
    return wrong


def check_pages(site, pages):
    "Notebooks without page, title or their figures; directives that are still to be seen."
    wrong = []
    for page in pages:
        soup = site.get(f'{page.doc}.html')
        if soup is None or soup.h1 is None or not soup.h1.get_text().startswith(page.title.replace('`', '')):
            wrong.append(f'{page.path.name}: no page with its title')
            continue
        shown = [c for c in read_notebook(page.path).cells if c.cell_type == 'code' and not {'hide', 'default_exp'} & set(directives(c.source))]
        figures = sum(any(k.startswith('image/') for k in o.get('data', {})) for c in shown for o in c.outputs)
        found = len(soup.select('div.cell_output img'))
        wrong += [f'{page.doc}: {found} of {figures} figures'] if found != figures else []
    return wrong + [f'{name}: a directive: {line.strip()}' for name, soup in site.items() if name.removesuffix('.html') not in PROJECT
                    for line in soup.get_text().splitlines() if re.match(r'\s*#\|', line)]


def check_names(site):
    "Public names of the package without an entry, or without a table although they have commented parameters."
    scope, wrong = {}, []
    exec((root / PACKAGE / '_modidx.py').read_text(encoding='utf-8'), scope)
    names = {n: module for module, found in scope['d']['syms'].items() for n in found if is_public(n[len(module) + 1:])}
    entries = {name.removesuffix('.html'): {t['id']: t for t in soup.select('dt.sig[id]')} for name, soup in site.items()}
    for name, module in names.items():
        found = entries.get(module.removeprefix(PACKAGE + '.'), {}).get(name)
        if found is None and not name.split('.')[-1].startswith('__'):
            wrong.append(f'{name}: no entry')
    items = {f'{PACKAGE}.{p.doc}.{i.name}': i for p in read_pages() for i in page_items(p) if i.kind not in ('data', 'property')}
    tables = sum(bool(t.find_next_sibling('dd').table) for e in entries.values() for t in e.values())
    without = [n for n, i in items.items() if any(r.meaning for r in rows_of(i)) and not any(n in e and e[n].find_next_sibling('dd').table for e in entries.values())]
    bare = [n for n, i in items.items() if any(not r.meaning for r in rows_of(i) if r.name != 'returns') and not n.endswith('.forward')]
    print(f'{len(names)} public names in _modidx, {sum(map(len, entries.values()))} entries, {tables} tables; {len(bare)} names have a parameter without a comment')
    return wrong + [f'{n}: no table' for n in without]


def check_search(out, pages):
    "The index of the search holds every page, and words of the field."
    lost = [name for name in (*PROJECT, 'project') if not (out / f'{name}.html').is_file()]
    index = json.loads(re.fullmatch(r'Search\.setIndex\((.*)\);?\s*', (out / 'searchindex.js').read_text(encoding='utf-8'), flags=re.S)[1])
    wrong = [f'{name}: not in the search' for name in [*(p.doc for p in pages), *PROJECT] if name not in index['docnames']] + [f'{name}: no page' for name in lost]
    return wrong + [f'the search does not know {word}' for word in ('trimap', 'alpha', 'refin') if word not in index['terms']]


def check(out, pages):
    "Everything that must hold; the number of complaints, at most 1."
    site = read_site(out)
    wrong = check_pages(site, pages) + check_links(out, site) + check_names(site) + check_search(out, pages)
    print('\n'.join(wrong) or f'{len(site)} pages hold what they promise')
    return min(len(wrong), 1)


def main():
    "Build into `_docs/`, or into a temporary folder and check."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--check', action='store_true', help='build in a temporary folder and check every page')
    parser.add_argument('--out', type=Path, default=root / '_docs', help='where the site goes')
    options, start = parser.parse_args(), time.time()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        out = work / 'site'  # files that are left beside it go with the folder, and an old site stays until the new one is whole
        pages = build(out, work)
        size = sum(f.stat().st_size for f in out.rglob('*') if f.is_file()) / 1e6
        print(f'{len(pages)} notebooks, {len(list(out.glob("*.html")))} pages, {size:.0f} MB in {time.time() - start:.0f} s' + ('' if options.check else f': {options.out / "index.html"}'))
        if options.check:
            raise SystemExit(check(out, pages))
        shutil.rmtree(options.out, ignore_errors=True)
        shutil.move(out, options.out)


if __name__ == '__main__':
    main()
