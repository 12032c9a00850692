"Compare checkpoints on the held-out foregrounds, before their own backgrounds and before scenes that no training sees: `.venv/bin/python .ci/held_out.py CHECKPOINT... [--size N]`. Those that want a trimap get one from the truth, and count in its unknown region. The data are read from MATTE_DATA or ../shared/data."
import argparse
import json
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import torch

from twinswin_matte.apply.predict import Matter, checkpoint_file
from twinswin_matte.core import MattingError, data_root, save_json
from twinswin_matte.data.backgrounds import BackgroundFolder
from twinswin_matte.data.loaders import generator_for
from twinswin_matte.data.mattes import open_data
from twinswin_matte.data.transforms import PlaceSubject
from twinswin_matte.models.classical import CLASSICAL, solve_firsts
from twinswin_matte.models.guided import classical_methods
from twinswin_matte.models.zoo import load_checkpoint
from twinswin_matte.trimap import trimap_from_alpha

SCENES, WORST = 8, 5  # scenes for each foreground; so many of all are left out, because scenes hold subjects of their own
RADIUS, SHOWN = 12, 3  # of trimaps in pixels; scenes for each foreground with one, for a classical method takes seconds


def held_out(root):
    "The pictures of the validation part, and each of their subjects placed before BSDS500 scenes."
    kept = open_data(root, longest=640).validation
    own, place = [kept[i] for i in range(len(kept))], PlaceSubject(480, BackgroundFolder(root / 'backgrounds/bsds500_scenes'), probability=1)
    return {'own': own, 'scenes': [place(sample, generator_for(77, i, k)) for i, sample in enumerate(own) for k in range(SCENES)]}


def guided_errors(predict, samples):
    "MAD and MSE in the unknown region, over the pictures."
    rows = []
    for sample in samples:
        trimap = trimap_from_alpha(sample.alpha, radius=RADIUS)
        if (trimap == 1).any() and (trimap == 0).any():
            apart = (predict(sample.image, trimap) - sample.alpha)[trimap == 0.5]
            rows.append((apart.abs().mean().item(), apart.square().mean().item()))
    return [round(float(v), 4) for v in np.mean(rows, 0)]


def share_of_one(text):
    "A number such as 0.75 or 1/3."
    return round(float(Fraction(text)), 4)


def begin_with(model, first):
    "Let a model begin with other classical methods: a name in CLASSICAL, or as many as it was trained with, such as learning-based+knn."
    methods = classical_methods(first.split('+'))
    if len(methods) != len(classical_methods(model.first)):
        raise MattingError(f'--first {first}: this model was trained with {model.first}; give as many methods')
    model.first = list(methods) if len(methods) > 1 else methods[0]
    return model.first


@cache
def solved(methods, longest):
    "A function that solves each picture once, however many checkpoints ask for it."
    found = {}

    def solve(image, trimap):
        "The classical alphas, one channel per method."
        asked = hash(image.numpy().tobytes() + trimap.numpy().tobytes())
        if asked not in found:
            found[asked] = solve_firsts(image, trimap, methods, longest=longest)
        return found[asked]
    return solve


def predictor(name, first=None, share=None, voters=None, settle=None):
    "A function of image and trimap: a checkpoint, beginning with another classical method if one is named, with another share in the answer beside other voters, settled or not, or such a method itself."
    if name in CLASSICAL:
        return lambda image, trimap: solved((name,), None)(image[None], trimap[None])[0]
    model, card = load_checkpoint(checkpoint_file(name))
    if first:
        begin_with(model, first)
    model.share, model.voters = model.share if share is None else share, list(classical_methods(voters.split('+'))) if voters else model.voters
    model.solve = lambda image, trimap: torch.cat([solved((method,), model.longest)(image, trimap) for method in model.methods], 1)
    matter = Matter(model, device='cpu', settle=settle or card.get('settle'))  # at the size of each picture, as it is given away
    return lambda image, trimap: matter(image, trimap).alpha


def free_errors(matter, pictures):
    "MAD before the own backgrounds and before scenes."
    mads = {name: np.sort([(matter(s.image).alpha - s.alpha).abs().mean().item() for s in samples]) for name, samples in pictures.items()}
    return {'own': round(float(mads['own'].mean()), 4), 'scenes': round(float(mads['scenes'][:-WORST].mean()), 4)}


def main():
    "MAD of each checkpoint; of those that want a trimap, and of classical methods, MAD and MSE."
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoints', nargs='+')
    parser.add_argument('--size', type=int, help='long side that checkpoints without a trimap work at (default: that of each training)')
    parser.add_argument('--first', nargs='*', default=[], help='classical methods that checkpoints with a trimap shall begin with, one after the other, several at once as learning-based+knn (default: their own)')
    parser.add_argument('--share', nargs='*', type=share_of_one, default=[], help='shares that they shall have in their answers beside classical methods, one after the other, such as 0.5 or 1/3 (default: their own)')
    parser.add_argument('--voters', nargs='*', default=[], help='those methods, one set after the other, such as learning-based+knn (default: their own)')
    parser.add_argument('--settle', nargs='*', default=[], choices=(*CLASSICAL, 'none'), help='what decides what checkpoints leave open, one after the other (default: as their cards say)')
    parser.add_argument('--out', type=Path, help='file of records for the numbers')
    options = parser.parse_args()
    if data_root() is None:
        parser.error('the data are not here: name their folder in MATTE_DATA')
    pictures, rows = held_out(data_root()), []
    for checkpoint in options.checkpoints:
        if checkpoint in CLASSICAL or Matter(checkpoint, device='cpu').needs_trimap:
            fewer = {'own': pictures['own'], 'scenes': [s for k, s in enumerate(pictures['scenes']) if k % SCENES < SHOWN]}
            own = checkpoint not in CLASSICAL
            ways = [dict(zip(('first', 'share', 'voters', 'settle'), way, strict=True)) for way in product(*((own and asked) or [None] for asked in (options.first, options.share, options.voters, options.settle)))]
            found = [{'checkpoint': checkpoint, **way, **{k: guided_errors(predictor(checkpoint, **way), v) for k, v in fewer.items()}} for way in ways]
        else:
            matters = [Matter(checkpoint, device='cpu', size=options.size, settle=settle) for settle in options.settle or [None]]
            found = [{'checkpoint': checkpoint, 'settle': matter.settle, **free_errors(matter, pictures)} for matter in matters]
        print(*map(json.dumps, found), sep='\n', flush=True)
        rows += found
    if options.out:
        save_json({'what': 'held-out foregrounds; MAD and MSE in the unknown region of those with a trimap, MAD of the others', 'rows': rows}, options.out)


if __name__ == '__main__':
    main()
