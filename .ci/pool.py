"""Make the folder that the checkpoints are trained on, of the photographs and mattes in MATTE_DATA or ../shared/data: `.venv/bin/python .ci/pool.py OUT [--longest 640] [NAME ...]`.

People are labeled by `matte label` with the selfie network in two passes; objects and animals by GrabCut in a box that was drawn by hand (objects.csv, in percent of the image), looked at, and left out where it was wrong.
Both have their band decided by trimap-guided. Given again, it goes on; several may work side by side at different names, before one without names lays OUT/pool, which is for data.root: no subject of it is on both sides of the split, and what is generated, where people recur, only teaches.
"""
import argparse
import csv
import os
import shutil
from hashlib import md5, sha256
from pathlib import Path

import cv2
import numpy as np

from twinswin_matte.apply.label import label_folder
from twinswin_matte.apply.predict import Matter
from twinswin_matte.core import data_root

LICENSES = {'fellows': 'CC0', 'stock_portraits': 'CC0', 'generated_halfbodies': 'Apache-2.0', 'generated_people': 'MIT', 'pets_and_objects': 'CC BY 4.0'}
LEFT_OUT = {'fel_015', 'sto_024', 'sto_045'}  # labels that were seen to be wrong
OLDER = ('animals_pseudo', 'portraits_pseudo', 'objects_pseudo')
SIDE = 384  # longest side in pixels that GrabCut works at


def boxes():
    "Rows of name, left, top, right, bottom and filled."
    with open(Path(__file__).parent / 'objects.csv', newline='') as file:
        return list(csv.DictReader(file))


def seeds(row, height, width):
    "GrabCut's first mask: background outside of the box, foreground in its middle, probably foreground else."
    left, top, right, bottom = (round(float(row[side]) / 100 * n) for side, n in (('left', width), ('top', height), ('right', width), ('bottom', height)))
    mask = np.full((height, width), cv2.GC_BGD, np.uint8)
    mask[top:bottom, left:right] = cv2.GC_PR_FGD
    middle, half = ((left + right) // 2, (top + bottom) // 2), (max(2, (right - left) // 8), max(2, (bottom - top) // 8))
    return cv2.ellipse(mask, middle, half, 0, 0, 360, int(cv2.GC_FGD), -1)


def without_specks(mask):
    "Only pieces of at least a twentieth of the largest, without holes of less than a hundredth."
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, pieces, facts, _ = cv2.connectedComponentsWithStats(mask)
    sizes = facts[:, cv2.CC_STAT_AREA]
    mask = np.isin(pieces, [k for k in range(1, count) if sizes[k] > 0.05 * sizes[1:].max()]).astype(np.uint8)
    count, holes, facts, _ = cv2.connectedComponentsWithStats(1 - mask)
    return mask | np.isin(holes, [k for k in range(1, count) if facts[k, cv2.CC_STAT_AREA] < 0.01 * mask.sum()]).astype(np.uint8)


def cut(row, photo):
    "The mask of an object, 0 or 255, at the size of its photograph."
    whole = cv2.imread(str(photo))
    height, width = whole.shape[:2]
    scale = SIDE / max(height, width)
    small = cv2.cvtColor(cv2.resize(whole, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2LAB)
    mask = seeds(row, *small.shape[:2])
    cv2.grabCut(small, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 6, cv2.GC_INIT_WITH_MASK)
    mask = without_specks(np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8))
    mask = cv2.GaussianBlur(cv2.resize(255 * mask, (width, height), interpolation=cv2.INTER_LINEAR), (0, 0), 2)
    mask = np.where(mask > 127, 255, 0).astype(np.uint8)
    if row['filled'] == '1':
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(mask, outlines, -1, 255, -1)
    return mask


def label(name, photos, out, longest):
    "Pairs of one folder of photographs."
    if name != 'pets_and_objects':
        coarse = Matter('selfie', device='cpu')
        coarse.model.passes = 2
        return label_folder(photos / name, out / 'pairs' / name, coarse=coarse, license=LICENSES[name], longest=longest)
    chosen, masks = [photos / name / f'{row["name"]}.jpg' for row in boxes()], out / 'masks'
    masks.mkdir(parents=True, exist_ok=True)
    for row, photo in zip(boxes(), chosen, strict=True):
        if not (masks / f'{row["name"]}.png').is_file():  # a mask that is written anew counts as another one, and its pair would be made again
            cv2.imwrite(str(masks / f'{row["name"]}.png'), cut(row, photo))
    return label_folder(chosen, out / 'pairs' / name, coarse=masks, license=LICENSES[name], longest=longest)


def key(text):
    "A name of the form that `foreground_key` takes for one subject."
    return f'g_{md5(text.encode()).hexdigest()[:8]}'


def taught(text):
    "Such a name that is never held out, since its hash is among the highest."
    return next(k for n in range(10_000) if sha256((k := key(f'{text}{n}')).encode()).hexdigest()[0] == 'f')


def subject(folder, stem):
    "Whom a photograph shows, as a key."
    if folder.startswith('generated'):
        return taught(folder)
    return key(stem.rsplit('-', 1)[0] if folder == 'pets_and_objects' else folder + stem)


def gather(root, out):
    "The tree of links that `open_data` reads."
    pool = out / 'pool'
    shutil.rmtree(pool, ignore_errors=True)
    for folder in sorted(p for p in (out / 'pairs').iterdir() if (p / 'gt').is_dir()):
        for alpha in sorted(p for p in (folder / 'gt').iterdir() if p.stem not in LEFT_OUT):
            image, name = next((folder / 'im').glob(f'{alpha.stem}.*')), f'{subject(folder.name, alpha.stem)}_{folder.name}_{alpha.stem}'
            for part, file in (('im', image), ('gt', alpha)):
                (pool / 'mattes' / folder.name / part).mkdir(parents=True, exist_ok=True)
                os.symlink(file.resolve(), pool / 'mattes' / folder.name / part / f'{name}{file.suffix}')
    for place, name in (*(('mattes', f'mattes/{n}') for n in OLDER), ('.', 'rgba'), ('.', 'backgrounds')):
        os.symlink((root / name).resolve(), pool / place / Path(name).name)
    return pool


def main():
    "Label what is named, and lay the tree."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path)
    parser.add_argument('names', nargs='*', metavar='NAME', help=f'folders of photographs to label (default: all: {", ".join(LICENSES)})')
    parser.add_argument('--longest', type=int, default=640, help='long side in pixels that photographs are shrunk to (default: 640)')
    options = parser.parse_args()
    if unknown := set(options.names) - set(LICENSES):
        parser.error(f'{min(unknown)}: choose from {", ".join(LICENSES)}')
    if data_root() is None:
        parser.error('the data are not here: name their folder in MATTE_DATA')
    for name in options.names or LICENSES:
        print(name, label(name, data_root() / 'photos', options.out, options.longest), flush=True)
    if not options.names:
        print(gather(data_root(), options.out))


if __name__ == '__main__':
    main()
