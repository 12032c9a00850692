"""Does fine-tuning on five pairs help, or harm? Trains as somebody does who types `matte train --from`, and measures images that were not trained on: the record is for a page of the experiments.

    python .ci/finetune.py                       all starts, folders and seeds (hours on two cores); what the record has already is not repeated
    python .ci/finetune.py trimap-free fellows 0   one of them

Needs the real data (MATTE_DATA). The pairs for testing are not read."""
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from twinswin_matte.apply.predict import Matter
from twinswin_matte.core import data_root, list_images, load_alpha, load_image, repo_root, save_json
from twinswin_matte.train.runs import environment
from twinswin_matte.trimap import trimap_from_alpha

record = repo_root() / 'nbs/experiments/records/finetune-cpu.json'
FOLDERS = {'portraits_pseudo': ('mattes/portraits_pseudo/im', 'mattes/portraits_pseudo/gt'), 'animals_pseudo': ('mattes/animals_pseudo/im', 'mattes/animals_pseudo/gt'),
           'fellows': ('photos/fellows', 'photos/fellows_selfie'), 'stock_portraits': ('photos/stock_portraits', 'photos/stock_portraits_selfie')}  # photographs, mattes
PLAN = [('trimap-free', 'portraits_pseudo', 'fellows'), ('trimap-free', 'fellows', 'stock_portraits'), ('trimap-guided', 'portraits_pseudo', 'animals_pseudo')]  # start, five of, others held out
PAIRS, HELD_OUT, OTHERS, SEEDS = 5, 15, {'trimap-free': 15, 'trimap-guided': 6}, (0, 1, 2)


def shuffled(name, seed):
    "The pairs of a folder in a random order."
    images, mattes = (list_images(data_root() / folder) for folder in FOLDERS[name])
    found = {p.stem: p for p in mattes}
    pairs = [(p, found[p.stem]) for p in images if p.stem in found]
    random.Random(seed).shuffle(pairs)
    return pairs


def errors(checkpoint, pairs, guided):
    "MAD of each image, as `Matter` makes its matte. With a trimap at 400 px: solving whole photographs takes a minute each."
    matter, found = Matter(checkpoint), []
    for image, alpha in pairs:
        image, alpha = load_image(image), load_alpha(alpha)
        if guided:
            size = [round(n * 400 / max(alpha.shape[-2:])) for n in alpha.shape[-2:]]
            image, alpha = (F.interpolate(x[None], size=size, mode='bilinear', antialias=True, align_corners=False)[0].clamp(0, 1) for x in (image, alpha))
        found.append((matter(image, trimap_from_alpha(alpha, radius=6) if guided else None).alpha - alpha).abs().mean().item())
    return found


def measure(start, own, other, seed):
    "Train on five pairs, and measure the checkpoint that it began with, the best and the last on others."
    pairs, guided = shuffled(own, seed), start == 'trimap-guided'
    held_out = {own: pairs[PAIRS:][:HELD_OUT], other: shuffled(other, 0)[:OTHERS[start]]}
    with tempfile.TemporaryDirectory() as folder:
        for kind, paths in zip(('im', 'gt'), zip(*pairs[:PAIRS], strict=True), strict=True):
            (Path(folder) / 'own' / kind).mkdir(parents=True)
            for path in paths:
                shutil.copy(path, Path(folder) / 'own' / kind)
        out = Path(folder) / 'run'
        subprocess.run([sys.executable, '-m', 'twinswin_matte.cli', 'train', '--from', start, f'data.root={folder}/own', f'train.seed={seed}', '--out', out], check=True)
        log = np.genfromtxt(out / 'log.csv', delimiter=',', names=True, dtype=None, encoding='utf-8')
        best_epoch = int(log['epoch'][np.flatnonzero(log['best'].astype(str) == 'True')[-1]])
        checkpoints = {'start': start, **({'best': out / 'best.safetensors'} if best_epoch else {}), 'last': out / 'last.safetensors'}
        mad = {name: {title: errors(path, chosen, guided) for title, chosen in held_out.items()} for name, path in checkpoints.items()}
    return {'start': start, 'own': own, 'seed': seed, 'validation': [float(v) for v in log['sad']], 'best_epoch': best_epoch, 'mad': {'best': mad['start'], **mad}}  # epoch 0 is the start


def main():
    "Measure what is not in the record."
    if data_root() is None:
        sys.exit('give the real data: MATTE_DATA=folder')
    torch.set_num_threads(1)  # the training processes have theirs
    kept = json.loads(record.read_text(encoding='utf-8'))['runs'] if record.exists() else []
    asked = sys.argv[1:]
    for seed in SEEDS:
        for start, own, other in PLAN:
            names = (start, own, str(seed))
            if names[:len(asked)] != tuple(asked) or any((r['start'], r['own'], str(r['seed'])) == names for r in kept):
                continue
            kept.append(measure(start, own, other, seed))
            save_json({'environment': environment(), 'runs': kept}, record)
            print(names, {k: {t: round(float(np.mean(v)), 5) for t, v in m.items()} for k, m in kept[-1]['mad'].items()}, flush=True)


if __name__ == '__main__':
    main()
