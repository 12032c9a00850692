"Install `twinswin_matte` from `settings.ini`, the only place where its metadata live."
import shutil
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

root = Path(__file__).parent
parser = ConfigParser(delimiters=['='])
parser.read(root / 'settings.ini', encoding='utf-8')
settings = parser['DEFAULT']
readme = root / 'README.md'


class WithWeights(build_py):
    "A wheel carries the small checkpoints of data/weights, in the package's folder."
    def run(self):
        "Copy them beside the modules."
        super().run()
        weights = root / 'data' / 'weights'
        if weights.is_dir() and not self.editable_mode:
            shutil.copytree(weights, Path(self.build_lib) / settings['lib_path'] / 'weights', dirs_exist_ok=True)


setup(
    name=settings['lib_name'], version=settings['version'], description=settings['description'],
    long_description=readme.read_text(encoding='utf-8') if readme.exists() else '',
    long_description_content_type='text/markdown',
    author=settings['author'], author_email=settings['author_email'], url=settings['git_url'],
    license='Apache-2.0', keywords=settings['keywords'], python_requires=f">={settings['min_python']}",
    cmdclass={'build_py': WithWeights},
    packages=find_packages(include=[settings['lib_path'], settings['lib_path'] + '.*']),
    package_data={settings['lib_path']: ['**/*.yaml']},
    install_requires=settings['requirements'].split(),
    extras_require={key.removesuffix('_requirements'): value.split() for key, value in settings.items() if key.endswith('_requirements')},
    entry_points={'console_scripts': settings['console_scripts'].split()},
)
