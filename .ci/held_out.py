"""Compare checkpoints on subjects that no training saw: `.venv/bin/python .ci/held_out.py POOL CHECKPOINT... [--size N] [--refine METHOD ...]`; POOL is the tree of .ci/pool.py.

Each held-out photograph counts before its own background, and before scenes of BSDS500; of these the worst tenth is left out, because scenes hold subjects of their own. Where a model takes prompts, two subjects are put into one image, and one of them is clicked at.
Those that want a trimap get one from the ground truth, and count in its unknown region.
"""
import argparse
import json
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from torchvision.transforms.v2 import functional as V

from twinswin_matte.apply.predict import Matter, checkpoint_file
from twinswin_matte.composite import estimate_foreground
from twinswin_matte.core import MattingError, save_json
from twinswin_matte.data.backgrounds import BackgroundFolder
from twinswin_matte.data.loaders import generator_for
from twinswin_matte.data.mattes import open_data
from twinswin_matte.data.transforms import RandomPlacement, map_tensors
from twinswin_matte.models.classical import CLASSICAL, solve_priors
from twinswin_matte.models.guided import classical_methods
from twinswin_matte.models.prompted import compose_in_front
from twinswin_matte.models.zoo import load_checkpoint
from twinswin_matte.trimap import trimap_from_alpha

SCENES, WORST = 2, 0.1  # scenes for each photograph; the share of all that is left out
BAD = 0.03  # a matte with a larger MAD has a wrong subject
RADIUS, SHOWN = 12, 1  # of trimaps in pixels; scenes for each photograph with one, for a classical method takes seconds
SIDE = 384  # of images with two subjects, in pixels


def kind(name):
    "What a held-out photograph of the pool shows."
    return 'people' if any(n in name for n in ('fellows', 'stock_portraits', 'generated')) else 'objects' if 'pets_and_objects' in name else 'older pairs'


def held_out(pool):
    "The photographs of the validation part, and each of their subjects placed before scenes."
    kept = open_data(pool, longest=640).validation
    own, place = [kept[i] for i in range(len(kept))], RandomPlacement(480, BackgroundFolder(Path(pool) / 'backgrounds/bsds500_scenes'), probability=1)
    return {'own': own, 'scenes': [place(sample, generator_for(77, i, k)) for i, sample in enumerate(own) for k in range(SCENES)]}


def both_in_one(own):
    "Images of two held-out subjects, a person and something else, with what is seen of each and a click at it."
    square = [map_tensors(s, lambda x: V.resize(x, [SIDE, SIDE], antialias=True)) for s in own]
    people, others = ([s for s in square if (kind(s.name) == 'people') == wanted] for wanted in (True, False))
    for k, other in enumerate(others):
        pair = [people[k % len(people)], other][::1 if k % 2 else -1]
        image, front, behind = compose_in_front(torch.stack([s.image for s in pair]), torch.stack([s.alpha for s in pair]), torch.stack([estimate_foreground(s.image, s.alpha) for s in pair]))
        for named in (front[0], behind[0]):
            if named.mean() > 0.02:
                yield image[0].clamp(0, 1), named, middle(named)


def middle(alpha):
    "The pixel of a subject that is furthest from its contour, as x and y."
    inside = cv2.distanceTransform((alpha[0] > 0.9).byte().numpy(), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    y, x = divmod(int(inside.argmax()), alpha.shape[-1])
    return x + 0.5, y + 0.5


def guided_errors(predict, samples):
    "MAD and MSE in the unknown region, over the images."
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


def begin_with(model, classical_prior):
    "Let a model begin with other classical methods: a name in CLASSICAL, or as many as it was trained with, such as learning-based+knn."
    methods = classical_methods(classical_prior.split('+'))
    if len(methods) != len(classical_methods(model.classical_prior)):
        raise MattingError(f'--classical-prior {classical_prior}: this model was trained with {model.classical_prior}; give as many methods')
    model.classical_prior = list(methods) if len(methods) > 1 else methods[0]
    return model.classical_prior


@cache
def solved(methods, longest):
    "A function that solves each image once, however many checkpoints ask for it."
    found = {}

    def solve(image, trimap):
        "The classical alphas, one channel per method."
        asked = hash(image.numpy().tobytes() + trimap.numpy().tobytes())
        if asked not in found:
            found[asked] = solve_priors(image, trimap, methods, longest=longest)
        return found[asked]
    return solve


def predictor(name, classical_prior=None, network_weight=None, averaged_methods=None, refine=None):
    "A function of image and trimap: a checkpoint, beginning with another classical method if one is named, with another share in the answer beside other averaged methods, refined or not, or such a method itself."
    if name in CLASSICAL:
        return lambda image, trimap: solved((name,), None)(image[None], trimap[None])[0]
    model, card = load_checkpoint(checkpoint_file(name))
    if classical_prior:
        begin_with(model, classical_prior)
    model.network_weight, model.averaged_methods = model.network_weight if network_weight is None else network_weight, list(classical_methods(averaged_methods.split('+'))) if averaged_methods else model.averaged_methods
    model.solve = lambda image, trimap: torch.cat([solved((method,), model.longest)(image, trimap) for method in model.methods], 1)
    matter = Matter(model, device='cpu', refine=refine or card.get('refine'))  # at the size of each image, as it is given away
    return lambda image, trimap: matter(image, trimap).alpha


def errors(matter, image, truth, **said):
    "MAD and MSE of one matte."
    apart = matter(image, **said).alpha - truth
    return {'mad': apart.abs().mean().item(), 'mse': apart.square().mean().item()}


def free_errors(matter, pictures):
    "Rows of the errors of a model without a trimap, image by image."
    rows = [{'set': title, 'kind': kind(sample.name), **errors(matter, sample.image, sample.alpha)} for title, samples in pictures.items() for sample in samples]
    if matter.takes_prompt:
        rows += [{'set': title, 'kind': 'two in one', **errors(matter, image, named, **said)} for image, named, point in both_in_one(pictures['own']) for title, said in (('clicked', {'point': point}), ('not clicked', {}))]
    return rows


def summary(rows):
    "A row of means for each set and kind."
    for (title, shown), part in pd.DataFrame(rows).groupby(['set', 'kind'], sort=False):
        part = part.sort_values('mad').iloc[:len(part) - round(WORST * len(part))] if title == 'scenes' else part
        yield {'set': title, 'kind': shown, 'n': len(part), 'mad': part['mad'].mean(), 'median': part['mad'].median(), 'mse': part['mse'].mean(), 'bad': (part['mad'] > BAD).mean()}


def main():
    "MAD of each checkpoint; of those that want a trimap, and of classical methods, MAD and MSE."
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('pool', type=Path)
    parser.add_argument('checkpoints', nargs='+')
    parser.add_argument('--size', type=int, help='long side that checkpoints without a trimap work at (default: that of each training)')
    parser.add_argument('--classical-prior', nargs='*', default=[], help='classical methods that checkpoints with a trimap shall begin with, one after the other, several at once as learning-based+knn (default: their own)')
    parser.add_argument('--network-weight', nargs='*', type=share_of_one, default=[], help='shares that they shall have in their answers beside classical methods, one after the other, such as 0.5 or 1/3 (default: their own)')
    parser.add_argument('--averaged-methods', nargs='*', default=[], help='those methods, one set after the other, such as learning-based+knn (default: their own)')
    parser.add_argument('--refine', nargs='*', default=[], choices=(*CLASSICAL, 'edges', 'none'), help='what decides what checkpoints leave open, one after the other (default: as their cards say)')
    parser.add_argument('--out', type=Path, help='file of records for the numbers')
    options = parser.parse_args()
    pictures, rows = held_out(options.pool), []
    for checkpoint in options.checkpoints:
        if checkpoint in CLASSICAL or Matter(checkpoint, device='cpu').needs_trimap:
            fewer = {'own': pictures['own'], 'scenes': [s for k, s in enumerate(pictures['scenes']) if k % SCENES < SHOWN]}
            own = checkpoint not in CLASSICAL
            ways = [dict(zip(('classical_prior', 'network_weight', 'averaged_methods', 'refine'), way, strict=True)) for way in product(*((own and asked) or [None] for asked in (options.classical_prior, options.network_weight, options.averaged_methods, options.refine)))]
            found = [{'checkpoint': checkpoint, **way, **{k: guided_errors(predictor(checkpoint, **way), v) for k, v in fewer.items()}} for way in ways]
        else:
            matters = [Matter(checkpoint, device='cpu', size=options.size, refine=refine) for refine in options.refine or [None]]
            found = [{'checkpoint': checkpoint, 'size': matter.size, 'refine': matter.refine, **part} for matter in matters for part in summary(free_errors(matter, pictures))]
        print(*(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}) for row in found), sep='\n', flush=True)
        rows += found
    if options.out:
        save_json({'what': 'held-out subjects; of those with a trimap MAD and MSE in its unknown region', 'rows': rows}, options.out)


if __name__ == '__main__':
    main()
