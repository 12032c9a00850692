"Write README.md from nbs/index.ipynb: prose, shown code and saved outputs; its images go to nbs/images."
import re
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

root = Path(__file__).resolve().parent.parent


def without_directives(notebook):
    "Drop hidden cells and `#|` lines; a cell marked `echo: false` keeps only its output."
    cells = []
    for cell in notebook.cells:
        directives = re.findall(r'^#\|\s*(\S+)(.*)$', cell.source, flags=re.M)
        if any(name == 'hide' for name, _ in directives):
            continue
        silent = any(name == 'echo:' and value.strip() == 'false' for name, value in directives)
        cell.source = '' if silent else re.sub(r'^#\|.*\n?', '', cell.source, flags=re.M).strip('\n')
        cells.append(cell)
    notebook.cells = cells
    return notebook


def main():
    "Convert, save the images, write the file."
    notebook = without_directives(nbformat.read(root / 'nbs/index.ipynb', as_version=4))
    notebook.metadata['language_info'] = {'name': 'python'}
    exporter = MarkdownExporter(extract_output_enabled=True)
    text, resources = exporter.from_notebook_node(notebook, resources={'unique_key': 'index'})
    images = root / 'nbs/images'
    images.mkdir(exist_ok=True)
    for old in images.glob('index_*'):
        old.unlink()
    for number, (name, content) in enumerate(sorted(resources['outputs'].items())):
        new = f'index_{number}{Path(name).suffix}'
        (images / new).write_bytes(content)
        text = text.replace(f'({name})', f'(nbs/images/{new})')
    text = re.sub(r'\]\((?!https?:|nbs/)([^)\s]+\.ipynb)', r'](nbs/\1', text)
    text = re.sub(r'```python\s*```\n?', '', text)
    text = re.sub(r'^[ ]+$', '', text, flags=re.M).replace('![jpeg](', '![figure](')
    text = re.sub(r'<style scoped>.*?</style>\n?', '', text, flags=re.S)
    text = re.sub(r'\n{3,}', '\n\n', text).strip() + '\n'
    (root / 'README.md').write_text('<!-- Made from nbs/index.ipynb by `make readme`; edit there. -->\n\n' + text, encoding='utf-8')
    print(f'README.md: {len(text.splitlines())} lines, {len(resources["outputs"])} pictures')


main()
