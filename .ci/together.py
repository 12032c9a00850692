"Measure `matte predict --trimap auto`, trimap-free and then trimap-guided, on the portraits: `.venv/bin/python .ci/together.py`. The test pairs are read from MATTE_DATA or ../shared/data."
import argparse
import json
import tempfile
from datetime import date
from pathlib import Path

from ship import errors_of, evaluations

from twinswin_matte.apply.predict import Matter
from twinswin_matte.apply.protocols import PROTOCOLS, MatteFolder, evaluate_protocol, open_sets
from twinswin_matte.core import data_root, repo_root
from twinswin_matte.train.runs import save_json


def main():
    "Make the mattes, then compare them."
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    if data_root() is None:
        parser.error('the test pairs are not here: name their folder in MATTE_DATA')
    free, guided = (Matter(name, device='cpu') for name in ('trimap-free', 'trimap-guided'))
    with tempfile.TemporaryDirectory() as folder:
        for data in open_sets(PROTOCOLS['ppm-100'], data_root()).values():
            for k in range(len(data)):
                sample = data[k]
                guided(sample.image, coarse=free).save(Path(folder) / f'{sample.name}.png', 'alpha')
                print(sample.name, flush=True)
        frame = evaluate_protocol('ppm-100', MatteFolder(folder), data_root())
    errors = errors_of([frame])
    save_json({'name': 'together', 'date': str(date.today()), 'errors': errors}, repo_root() / 'nbs/experiments/records/checkpoint-together.json')
    for row in evaluations(errors):
        print(json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}))


if __name__ == '__main__':
    main()
