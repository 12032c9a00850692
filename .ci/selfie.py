"Convert MediaPipe's selfie_segmentation.tflite into data/weights/selfie, and write reference values of TensorFlow Lite's runtime into nbs/records/selfie.npz: `pip install ai-edge-litert`, then `.venv/bin/python .ci/selfie.py FILE` (by default that of MATTE_DATA or ../shared/data)."
import sys
from pathlib import Path

import numpy as np
import skimage.data
import torch
import torch.nn.functional as F
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from twinswin_matte.core import data_root, file_digest, from_pil, load_image, repo_root, samples_folder
from twinswin_matte.models.hub import from_pretrained, save_pretrained
from twinswin_matte.models.selfie import from_tflite
from twinswin_matte.models.zoo import create_model
from twinswin_matte.train.runs import environment

PHOTOGRAPHS = [*(f'photos/{name}.jpg' for name in ('astronaut', 'chelsea', 'coffee', 'rocket')), 'textures/wood.jpg', 'textures/hubble.jpg', 'camera', 'clock', 'coins', 'retina']  # samples of the library, and functions of skimage.data
DATA = [{'name': 'photographs of people by Google, most of them taken by the cameras of phones', 'license': 'not published'}]
NOTES = ('the network is MediaPipe Selfie Segmentation (general model, version 2021-01-19), Copyright The MediaPipe Authors, licensed under the Apache License, Version 2.0',
         'changed by twinswin_matte: the tensors of the TensorFlow Lite file have the names and the order of axes of PyTorch; their values are as they were, float16 there and here',
         'made for one or a few people within about two meters; it segments at 256x256 pixels, so that hair is coarse')


def read(path):
    "The runtime with the file, and its float16 tensors by name."
    runtime = Interpreter(str(path), num_threads=1)
    runtime.allocate_tensors()
    return runtime, {d['name']: runtime.get_tensor(d['index']) for d in runtime.get_tensor_details() if d['dtype'] == np.float16}


def photograph(name):
    "1x3x256x256, as the page of the model makes it."
    image = load_image(samples_folder() / name) if '/' in name else from_pil(Image.fromarray(getattr(skimage.data, name)()).convert('RGB'))
    return F.interpolate(image[None], size=(256, 256), mode='bilinear', antialias=True)


def answer(runtime, image):
    "256x256: what the runtime makes of an image."
    runtime.set_tensor(runtime.get_input_details()[0]['index'], image.permute(0, 2, 3, 1).contiguous().numpy())
    runtime.invoke()
    return runtime.get_tensor(runtime.get_output_details()[0]['index'])[0, :, :, 0]


def write_reference(path, runtime, model):
    "Ten photographs: every eighth pixel in 16 bits, mean and maximum, and the largest difference of any pixel from the model's."
    pictures = [photograph(name) for name in PHOTOGRAPHS]
    wanted = np.stack([answer(runtime, picture) for picture in pictures])
    with torch.no_grad():
        largest = np.abs(torch.cat([model(picture).alpha[0] for picture in pictures]).numpy() - wanted).max((1, 2))
    print({name: f'{value:.2g}' for name, value in zip(PHOTOGRAPHS, largest, strict=True)})
    if not largest.max() < 1e-3:
        raise SystemExit(f'the two networks differ by {largest.max():.2g}; nothing is written')
    np.savez_compressed(path, names=PHOTOGRAPHS, alpha=np.rint(wanted[:, ::8, ::8] * 65535).astype(np.uint16), mean=wanted.mean((1, 2)), highest=wanted.max((1, 2)), largest=largest)


def main():
    "Convert, save, compare, write."
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else data_root() / 'weights/selfie_segmentation.tflite'
    runtime, tensors = read(path)
    model = create_model('selfie').eval()
    model.load_state_dict(from_tflite(tensors).state_dict())
    model.provenance = [{'name': 'MediaPipe Selfie Segmentation, general model, of mediapipe 0.10.14 on PyPI', 'file': path.name, 'sha256': file_digest(path), 'license': 'Apache-2.0'}]
    folder = repo_root() / 'data/weights/selfie'
    save_pretrained(model, folder, card={'size': None, 'data': DATA, 'notes': NOTES, 'environment': environment()}, license='apache-2.0', half=True, overwrite=True)
    write_reference(repo_root() / 'nbs/records/selfie.npz', runtime, from_pretrained(folder)[0])


if __name__ == '__main__':
    main()
