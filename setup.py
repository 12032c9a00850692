"Install `twinswin_matte` from `settings.ini`, the only place where its metadata live."
import re
import shutil
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

root = Path(__file__).parent
parser = ConfigParser(delimiters=['='])
parser.read(root / 'settings.ini', encoding='utf-8')
settings = parser['DEFAULT']
newest = 14  # Python 3.x that is tested


def readme():
    "The README, whose links lead into the repository, since the files they name are not in a wheel."
    def absolute(link):
        "One link or picture."
        return f"{link[1]}({settings['git_url']}/{'raw' if link[1].startswith('!') else 'blob'}/{settings['branch']}/"
    return re.sub(r'(!?\[[^]]*\])\((?!https?:|#|mailto:)', absolute, (root / 'README.md').read_text(encoding='utf-8'))


class WithData(build_py):
    "A wheel carries the sample photographs and the small checkpoints of `data/`, in the package's folder."
    def run(self):
        "Copy them beside the modules."
        super().run()
        for name in () if self.editable_mode else ('samples', 'weights'):
            shutil.copytree(root / 'data' / name, Path(self.build_lib) / settings['lib_path'] / name, dirs_exist_ok=True)


setup(
    name=settings['lib_name'], version=settings['version'], description=settings['description'],
    long_description=readme(), long_description_content_type='text/markdown',
    author=settings['author'], author_email=settings['author_email'], url=settings['git_url'],
    project_urls={'Documentation': settings['doc_host'] + settings['doc_baseurl'], 'Changelog': f"{settings['git_url']}/blob/{settings['branch']}/CHANGELOG.md",
                  'Issues': f"{settings['git_url']}/issues"},
    license_expression='Apache-2.0', license_files=['LICENSE'], keywords=settings['keywords'].split(), python_requires=f">={settings['min_python']}",
    classifiers=['Development Status :: 3 - Alpha', 'Environment :: Console', 'Framework :: Jupyter', 'Intended Audience :: Developers', 'Intended Audience :: Science/Research',
                 'Operating System :: POSIX', 'Programming Language :: Python :: 3', 'Programming Language :: Python :: 3 :: Only',
                 *(f'Programming Language :: Python :: 3.{minor}' for minor in range(int(settings['min_python'].split('.')[1]), newest + 1)),
                 'Topic :: Multimedia :: Graphics', 'Topic :: Scientific/Engineering :: Artificial Intelligence', 'Topic :: Scientific/Engineering :: Image Processing', 'Typing :: Typed'],
    cmdclass={'build_py': WithData},
    packages=find_packages(include=[settings['lib_path'], settings['lib_path'] + '.*']),
    package_data={settings['lib_path']: ['**/*.yaml', 'py.typed', '*.pyi']},
    install_requires=settings['requirements'].split(),
    extras_require={key.removesuffix('_requirements'): value.split() for key, value in settings.items() if key.endswith('_requirements')},
    entry_points={'console_scripts': settings['console_scripts'].split()},
)
