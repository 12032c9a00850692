"Speeds, each beside a named alternative or a mark, measured in one run: `make bench`. The machine should have nothing else to do."
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import twinswin_matte  # noqa: F401  before torch: it sets how threads wait
# isort: split
import pandas as pd
import torch

from twinswin_matte.composite import estimate_foreground
from twinswin_matte.core import data_root, repo_root, save_image, save_json
from twinswin_matte.data.loaders import make_loaders
from twinswin_matte.data.mattes import open_data
from twinswin_matte.data.shards import ShardStream, measure_loading, stream_loader, write_shards
from twinswin_matte.data.synth import SynthMattes, random_matte
from twinswin_matte.startup import WAITING
from twinswin_matte.train.config import PRESETS, override
from twinswin_matte.train.recipes import train
from twinswin_matte.train.runs import environment
from twinswin_matte.train.speed import VARIANTS, speed_report

work = Path(tempfile.mkdtemp())


def best_of(function, times=3):
    "Shortest of a few times, in seconds."
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return min(taken)


def loading():
    "Samples a second of one core at 512 px: decoded, cropped, composed, augmented, with a trimap. The mark is 20."
    torch.set_num_threads(1)
    sources = {'procedural mattes of 768 px': SynthMattes(48, size=768)}
    if data_root():
        sources['real pairs and cut-outs'] = open_data(data_root(), longest=None).train
    rows = []
    for name, source in sources.items():
        folder = work / name.replace(' ', '-')
        write_shards(source, folder, longest=1024)
        for kind in ('shards', 'folder'):
            loader = (stream_loader(ShardStream(folder), batch_size=8, size=512, trimap=True, samples_per_epoch=64) if kind == 'shards'
                      else make_loaders(source, batch_size=8, size=512, trimap=True, samples=64)[0])
            measure_loading(loader, batches=2)
            found = measure_loading(loader, batches=8)
            rows.append({'source': name, 'read from': kind, 'samples/s': found['samples_per_second'], 'samples/s of processor time': found['samples_per_core'],
                         **{f'{k}, ms': v for k, v in found['milliseconds'].items()}})
    return pd.DataFrame(rows).round(1)


def waiting():
    "How much of a training step is spent waiting for data: the preset tiny, 512 px, two loading processes."
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))
    config = override(PRESETS['tiny'], {'data.size': 512, 'data.batch_size': 4, 'data.workers': 1, 'data.synthetic': 64, 'data.validation': 2, 'model.teacher': None, 'train.epochs': 1, 'train.steps': 16, 'log.panels': 0})
    steps = train(config, work / 'run', quiet=True).steps.iloc[4:]
    parts = steps[['data_s', 'forward_s', 'backward_s', 'optimizer_s']].sum()
    return (100 * parts / parts.sum()).round(1).rename('% of a step').to_frame()


def training():
    "A training step in several variants, as ratios to float32, and the share of the measured bf16 matrix-product rate: TwinSwin (Swin-T) and MODNet at 512 px, AlphaGAN at 320."
    torch.set_num_threads(os.cpu_count() or 1)
    gpu = torch.cuda.is_available()
    uncompiled = {name: changes for name, changes in VARIANTS.items() if 'compiled' not in name}
    tables = []
    for name, batch, variants in (('twinswin', 8 if gpu else 1, VARIANTS), ('modnet', 16 if gpu else 2, uncompiled), ('alphagan', 16 if gpu else 2, uncompiled)):
        config = override(PRESETS[name], {'data.batch_size': batch})
        table = speed_report(config, variants=variants, report=lambda line, name=name: print(f'  {name}, {line}', flush=True))
        tables.append(table.assign(model=name, size=config.data.size, batch=batch))
    table = pd.concat(tables, ignore_index=True)
    device = torch.cuda.get_device_name() if gpu else f'CPU, {torch.get_num_threads()} threads'
    save_json({'what': 'a training step', 'device': device, 'environment': environment(), 'rows': table.to_dict('records')}, repo_root() / 'nbs/experiments/records' / f'speed-{"cuda" if gpu else "cpu"}.json')
    return table.round(3)


def foregrounds():
    "Estimating the foreground at 2 megapixels: ours beside PyMatting's, in the same run."
    torch.set_num_threads(os.cpu_count() or 1)
    sample = random_matte('hair', size=(1200, 1600), seed=3)
    ours, theirs = (best_of(lambda m=m: estimate_foreground(sample.image, sample.alpha, method=m)) for m in ('multilevel', 'pymatting'))
    return pd.DataFrame([{'ours, s': ours, 'PyMatting, s': theirs, 'ratio': ours / theirs}]).round(2)


CALL = """
{first}
import contextlib, io, sys, time
{load}
photo, out, took = sys.argv[1], sys.argv[2], []
for _ in range(6):
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        {call}
    took.append(time.perf_counter() - start)
print(sorted(took[1:])[2])
"""
PYTHON = dict(load='from twinswin_matte.apply.predict import predict', call="predict(photo, 'trimap-free').save(out + '/a.png', 'alpha')")
COMMAND = dict(load='from twinswin_matte.cli import main', call="main(['predict', photo, '--out', out, '--overwrite'])")


def calls():
    "A photograph of 600x400 pixels while one core is busy, median seconds of the whole call (checkpoint, matte, file): in Python, in Python with torch imported first (its threads then spin), and on the command line."
    photo, clean = work / 'photo.png', {k: v for k, v in os.environ.items() if k not in WAITING}
    save_image(photo, random_matte('hair', size=(400, 600), seed=3).image)
    busy = subprocess.Popen([sys.executable, '-c', 'while True: pass'])

    def seconds(program, first=''):
        "Of a call in a process of its own."
        words = [sys.executable, '-W', 'ignore', '-c', CALL.format(first=first, **program), str(photo), str(work)]
        return float(subprocess.run(words, env=clean, check=True, stdout=subprocess.PIPE, text=True).stdout)
    try:
        ours, late, line = seconds(PYTHON), seconds(PYTHON, 'import torch'), seconds(COMMAND)
    finally:
        busy.kill()
    return pd.DataFrame([{'Python, s': ours, 'torch first, s': late, 'command line, s': line, 'Python / command line': ours / line, 'torch first / command line': late / line}]).round(2)


def importing():
    "Seconds from the start of Python to its end, the shortest of three: Python alone, the front door (the mark is 0.2 more, and no torch), `matte --help`, what needs torch, torch alone."
    programs = {'Python alone': 'pass', 'import twinswin_matte': 'import twinswin_matte as tm, sys; dir(tm); assert "torch" not in sys.modules', 'matte --help': 'import runpy, sys; sys.argv = ["matte", "--help"]; runpy.run_module("twinswin_matte.cli", run_name="__main__")',
                'tm.load_image': 'import twinswin_matte as tm; tm.load_image', 'tm.Matter': 'import twinswin_matte as tm; tm.Matter', 'import torch': 'import torch'}
    return pd.DataFrame([{name: best_of(lambda program=program: subprocess.run([sys.executable, '-c', program], check=True, stdout=subprocess.DEVNULL)) for name, program in programs.items()}]).round(2)


def main():
    "Run the benchmarks that are named, or all."
    chosen = sys.argv[1:] or ['importing', 'loading', 'waiting', 'foregrounds', 'calls', 'training']
    for name in chosen:
        function = globals()[name]
        print(f'\n{function.__doc__}\n{function().to_string()}', flush=True)


if __name__ == '__main__':
    main()
