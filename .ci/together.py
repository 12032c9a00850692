"Measure `matte predict --trimap auto`, trimap-free and then trimap-guided, on the portraits: `.venv/bin/python .ci/together.py --out FOLDER`, or in several processes by torchrun. Given again, it goes on. The test pairs are read from MATTE_DATA or ../shared/data."
import argparse
from pathlib import Path

from ship import errors_of, write_record

from twinswin_matte.apply.predict import Matter
from twinswin_matte.apply.protocols import PROTOCOLS, MatteFolder, evaluate_protocol, open_sets
from twinswin_matte.core import data_root
from twinswin_matte.jobs import process_share


def main():
    "Make the mattes; who finds all of them there compares them with the truth."
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, required=True, help='folder of the mattes')
    options = parser.parse_args()
    if data_root() is None:
        parser.error('the test pairs are not here: name their folder in MATTE_DATA')
    free, guided = (Matter(name, device='cpu') for name in ('trimap-free', 'trimap-guided'))
    options.out.mkdir(parents=True, exist_ok=True)
    data = next(iter(open_sets(PROTOCOLS['ppm-100'], data_root()).values()))
    places = {options.out / f'{data[k].name}.png': k for k in range(len(data))}
    for path, k in process_share(places.items()):
        if not path.exists():
            guided(data[k].image, coarse=free).save(path, 'alpha')
            print(path.stem, flush=True)
    if all(path.exists() for path in places):
        write_record('together', errors_of([evaluate_protocol('ppm-100', MatteFolder(options.out), data_root())]))


if __name__ == '__main__':
    main()
