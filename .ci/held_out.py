"Compare trimap-free checkpoints on the held-out foregrounds, before their own backgrounds and before scenes that no training sees: `.venv/bin/python .ci/held_out.py CHECKPOINT... [--size N]`. The data are read from MATTE_DATA or ../shared/data."
import argparse
import json

import numpy as np

from twinswin_matte.apply.predict import Matter
from twinswin_matte.core import data_root
from twinswin_matte.data.backgrounds import BackgroundFolder
from twinswin_matte.data.loaders import generator_for
from twinswin_matte.data.mattes import open_data
from twinswin_matte.data.transforms import PlaceSubject

SCENES, WORST = 8, 5  # scenes for each foreground; so many of all are left out, because scenes hold subjects of their own


def held_out(root):
    "The pictures of the validation part, and each of their subjects placed before BSDS500 scenes."
    kept = open_data(root, longest=640).validation
    own, place = [kept[i] for i in range(len(kept))], PlaceSubject(480, BackgroundFolder(root / 'backgrounds/bsds500_scenes'), probability=1)
    return {'own': own, 'scenes': [place(sample, generator_for(77, i, k)) for i, sample in enumerate(own) for k in range(SCENES)]}


def main():
    "MAD of each checkpoint."
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoints', nargs='+')
    parser.add_argument('--size', type=int, help='long side they work at (default: that of each training)')
    options = parser.parse_args()
    if data_root() is None:
        parser.error('the data are not here: name their folder in MATTE_DATA')
    pictures = held_out(data_root())
    for checkpoint in options.checkpoints:
        matter = Matter(checkpoint, device='cpu', size=options.size)
        mads = {name: np.sort([(matter(s.image).alpha - s.alpha).abs().mean().item() for s in samples]) for name, samples in pictures.items()}
        print(json.dumps({'checkpoint': checkpoint, 'own': round(float(mads['own'].mean()), 4), 'scenes': round(float(mads['scenes'][:-WORST].mean()), 4)}))


if __name__ == '__main__':
    main()
