"Speeds beside alternative libraries, in one run on one machine: `make bench-peers`. Weights are random where only time counts; the machine should have nothing else to do."
import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path

import twinswin_matte  # noqa: E402, F401  before torch: it sets how threads wait
# isort: split
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

from twinswin_matte.apply.predict import Matter  # noqa: E402
from twinswin_matte.composite import estimate_foreground  # noqa: E402
from twinswin_matte.core import list_images, load_image, repo_root, samples_folder, save_json, weights_folder  # noqa: E402
from twinswin_matte.data.synth import random_matte  # noqa: E402
from twinswin_matte.dis import dis_metrics  # noqa: E402
from twinswin_matte.metrics import connectivity_error, gradient_error, mad, matte_metrics  # noqa: E402
from twinswin_matte.models.classical import knn_alpha  # noqa: E402
from twinswin_matte.models.zoo import create_model  # noqa: E402
from twinswin_matte.train.runs import environment  # noqa: E402
from twinswin_matte.trimap import trimap_from_alpha  # noqa: E402

SIZES = (512, 1024, 2048)
PATIENCE = 25  # seconds: who needed longer for one call is not asked for a larger image
rows = []


def version(package):
    "Its version, for the record."
    return f'{package} {importlib.metadata.version(package)}'


def side_by_side(what, size, ours, peers, rounds=3):
    "Ours and the peers in turn, after one call each that does not count; the shortest times."
    functions, times = {'ours': ours, **peers}, {}
    for k in range(rounds + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            taken = time.perf_counter() - start
            if k or taken > PATIENCE:  # too slow to warm up
                times.setdefault(name, []).append(taken)
        functions = {n: f for n, f in functions.items() if n == 'ours' or min(times.get(n, [0])) <= PATIENCE}
    best = {n: min(t) for n, t in times.items()}
    for name in peers:
        rows.append({'what': what, 'size': size, 'peer': name, 'ours_s': best['ours'], 'peer_s': best[name], 'ratio': best[name] / best['ours'], 'note': ''})
        print(f'  {what}, {size} px: {name} {best[name]:.3f} s, ours {best["ours"]:.3f} s, ratio {rows[-1]["ratio"]:.2f}', flush=True)
    return best


def skipped_files(what, peer, reason):
    "A peer that cannot be measured here."
    rows.append({'what': what, 'size': None, 'peer': peer, 'ours_s': None, 'peer_s': None, 'ratio': None, 'note': reason})
    print(f'  {what}: {peer} not measured: {reason}', flush=True)


def grid_connectivity(prediction, target):
    "Connectivity the way NumPy evaluation code of the field computes it: label at each of ten thresholds."
    from scipy.ndimage import label
    p, t = (x[0].double().numpy() for x in (prediction, target))
    reached, steps = np.full(p.shape, -1.0), np.arange(0, 1.01, 0.1)
    for low, high in zip(steps, steps[1:], strict=False):
        pieces, count = label((p >= high) & (t >= high))
        largest = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1 if count else np.zeros(p.shape, bool)
        reached[(reached == -1) & ~largest] = low
    reached[reached == -1] = 1
    share = [1 - (x - reached) * (x - reached >= 0.15) for x in (p, t)]
    return np.abs(share[0] - share[1]).sum()


def grid_gradient(prediction, target):
    "The gradient error with SciPy's derivative filters."
    from scipy.ndimage import gaussian_filter
    p, t = (np.hypot(*(gaussian_filter(x[0].double().numpy(), 1.4, order=o) for o in ((0, 1), (1, 0)))) for x in (prediction, target))
    return ((p - t) ** 2).sum()


def metric_engine():
    "Errors of one matte."
    import py_sod_metrics
    from torchmetrics import MeanAbsoluteError
    for size in SIZES:
        sample = random_matte('hair', size=size, seed=3)
        target, prediction = sample.alpha, F.avg_pool2d(sample.alpha[None], 5, 1, 2)[0]
        side_by_side('Conn', size, lambda p=prediction, t=target: connectivity_error(p, t), {'NumPy and SciPy': lambda p=prediction, t=target: grid_connectivity(p, t)})
        side_by_side('Grad', size, lambda p=prediction, t=target: gradient_error(p, t), {'NumPy and SciPy': lambda p=prediction, t=target: grid_gradient(p, t)})
        side_by_side('MAD', size, lambda p=prediction, t=target: mad(p, t), {version('torchmetrics'): lambda p=prediction, t=target: MeanAbsoluteError()(p, t)})
        gray = [(x[0] * 255).round().byte().numpy() for x in (prediction, target)]

        def peer(gray=gray):
            "F, S and E measures and MAE."
            meters = [getattr(py_sod_metrics, n)() for n in ('Fmeasure', 'WeightedFmeasure', 'Smeasure', 'Emeasure', 'MAE')]
            for meter in meters:
                meter.step(*gray)
            return [meter.get_results() for meter in meters]
        pair = [torch.from_numpy(g)[None].float() / 255 for g in gray]
        side_by_side('F, S, E and MAE', size, lambda pair=pair: dis_metrics(*pair, hce=False), {version('pysodmetrics'): peer})
        assert matte_metrics(prediction, target)['whole']['conn'] > 0


def foreground():
    "The color of the foreground."
    for size in SIZES:
        sample = random_matte('hair', size=size, seed=3)
        calls = {m: lambda s=sample, m=m: estimate_foreground(s.image, s.alpha, method=m) for m in ('multilevel', 'pymatting')}
        side_by_side('foreground estimation', size, calls['multilevel'], {version('pymatting') + ', multi-level': calls['pymatting']})


def vitmatte(size):
    "ViTMatte-S as transformers builds it, random weights."
    from transformers import VitDetConfig, VitMatteConfig, VitMatteForImageMatting
    backbone = VitDetConfig(hidden_size=384, num_attention_heads=6, num_channels=4, image_size=512, pretrain_image_size=224, patch_size=16, window_size=14, window_block_indices=[0, 1, 3, 4, 6, 7, 9, 10],
                            residual_block_indices=[2, 5, 8, 11], use_relative_position_embeddings=True, out_features=['stage12'])
    return VitMatteForImageMatting(VitMatteConfig(backbone_config=backbone, hidden_size=384, convstream_hidden_sizes=[48, 96, 192], fusion_hidden_sizes=[256, 128, 64, 32])).eval()


@torch.inference_mode()
def guided():
    "A matte with a trimap as it is used, from the solvers to the edges; a forward pass whose classical alphas are given; for the solvers the whole solution, and KNN matting of either side."
    from pymatting import estimate_alpha_cf, estimate_alpha_knn, estimate_alpha_lbdm
    matter, theirs, slow = Matter('trimap-guided', device='cpu'), vitmatte(512), set()
    for size in SIZES:
        sample = random_matte('hair', size=size, seed=3)
        image, trimap = sample.image[None], trimap_from_alpha(sample.alpha, radius=size // 50)[None]
        picture, known = image[0].permute(1, 2, 0).double().numpy(), trimap[0, 0].double().numpy()
        four = torch.cat([image, trimap], 1)
        solvers = {', closed form': estimate_alpha_cf, ', learning-based': estimate_alpha_lbdm, ', KNN': estimate_alpha_knn}
        peers = {**{version('pymatting') + n: lambda f=f, i=picture, k=known: f(i, k) for n, f in solvers.items()}, version('transformers') + ', ViTMatte-S': lambda x=four: theirs(pixel_values=x)}
        asked, first = {n: f for n, f in peers.items() if n not in slow}, matter.model.solve(image, trimap)
        best = side_by_side('matte with a trimap', size, lambda i=image[0], t=trimap[0]: matter(i, t), asked, rounds=2)
        side_by_side('matte with a trimap, its first alpha given', size, lambda i=image, t=trimap, f=first: matter.model(i, t, f), {n: f for n, f in asked.items() if 'ViTMatte' in n}, rounds=2)
        same = {n: f for n, f in asked.items() if n.endswith('KNN')}
        if same:
            side_by_side('KNN matting', size, lambda i=picture, k=known: knn_alpha(i, k), same, rounds=2)
        slow |= {n for n in peers if best.get(n, 0) > PATIENCE / 4}
    for name in sorted(slow):
        if not any(r['peer'] == name and r['size'] == SIZES[-1] for r in rows):
            skipped_files(f'matte with a trimap, {SIZES[-1]} px', name, 'too slow for this machine')


@torch.inference_mode()
def trimap_free():
    "A matte without a trimap: from a photograph of 1024 px to its matte, beside networks at the sizes that they work at; and a forward pass beside a U-Net on the same encoder."
    import segmentation_models_pytorch as smp
    from isnet import session
    photo, matter = load_image(next(iter(list_images(samples_folder() / 'photos')))), Matter('trimap-free', device='cpu')
    photo = F.interpolate(photo[None], (1024, 1024), mode='bicubic', antialias=True)[0].clamp(0, 1)
    dichotomous, modnet, small = session(1024), create_model('modnet').eval(), F.interpolate(photo[None], (512, 512), mode='bilinear', antialias=True)
    large = photo[None].numpy()
    peers = {version('onnxruntime') + ', IS-Net at 1024 px': lambda: dichotomous.run(None, {'image': large}), "MODNet at 512 px (this library's)": lambda: modnet(small)}
    side_by_side('a photograph to a matte', 1024, lambda: matter(photo), peers)
    ours, theirs = matter.model, smp.Unet('mobilenet_v2', encoder_weights=None, classes=1).eval()
    for size in SIZES:
        image = torch.rand(1, 3, size, size)
        side_by_side('matte without a trimap', size, lambda x=image: ours(x), {version('segmentation-models-pytorch') + ', MobileNetV2 U-Net': lambda x=image: theirs(x)})
    for name in ('rembg', 'transparent-background'):
        skipped_files('a photograph to a matte', name, 'its weights are fetched from the network')


def training_step():
    "Forward, loss and backward of a U-Net on MobileNetV2, two crops of 512 px, float32."
    import segmentation_models_pytorch as smp
    image, alpha = torch.rand(2, 3, 512, 512), torch.rand(2, 1, 512, 512)
    ours, theirs = create_model('mattenet', encoder='mobilenetv2', decoder_options={'width': 256, 'norm': 'batch'}).train(), smp.Unet('mobilenet_v2', encoder_weights=None, classes=1).train()

    def step(model, layout):
        "One step without an optimizer."
        model.zero_grad()
        output = model(image.contiguous(memory_format=layout))
        F.binary_cross_entropy_with_logits(getattr(output, 'logits', output), alpha).backward()
    plain, last = torch.contiguous_format, torch.channels_last
    side_by_side('training step', 512, lambda: step(ours, plain), {version('segmentation-models-pytorch') + ', MobileNetV2 U-Net': lambda: step(theirs, plain)})
    ours, theirs = ours.to(memory_format=last), theirs.to(memory_format=last)
    side_by_side('training step, channels last', 512, lambda: step(ours, last), {version('segmentation-models-pytorch') + ', MobileNetV2 U-Net': lambda: step(theirs, last)})


def main():
    "Run the comparisons that are named, or all, and record them; of those that were not asked for, what was measured before stays."
    torch.set_num_threads(os.cpu_count() or 1)
    torch.manual_seed(0)
    parts = (metric_engine, foreground, guided, trimap_free, training_step)
    for part in [p for p in parts if not sys.argv[1:] or p.__name__ in sys.argv[1:]]:
        print(f'\n{part.__doc__}', flush=True)
        part()
    path, measured = repo_root() / 'nbs/experiments/records/peers-cpu.json', {r['what'] for r in rows}
    kept = [r for r in json.loads(path.read_text())['rows'] if r['what'] not in measured] if sys.argv[1:] else []
    save_json({'what': 'speed beside peers', 'device': f'CPU, {torch.get_num_threads()} threads', 'environment': environment(), 'rows': kept + rows}, path)
    print(f'\n{Path(path).relative_to(repo_root())} written; matte experiment 12_peers shows it')
    assert weights_folder().is_dir()


if __name__ == '__main__':
    main()
