"Convert MediaPipe's face_detection_full_range_sparse.tflite into data/weights/faces.safetensors, and write reference values of TensorFlow Lite's runtime into nbs/records/faces.npz: `pip install ai-edge-litert tflite`, then `.venv/bin/python .ci/faces.py FILE`. The file is in the wheel of mediapipe 0.10.14 on PyPI, under mediapipe/modules/face_detection."
import sys

import numpy as np
import tflite
import torch
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from safetensors.torch import save_file
from torch import nn

from twinswin_matte.core import file_digest, load_image, repo_root, samples_folder, weights_folder
from twinswin_matte.models.faces import FaceDetector, frozen_faces

PHOTOGRAPHS = 'astronaut', 'chelsea', 'coffee', 'rocket'
CONVOLUTIONS = tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.DEPTHWISE_CONV_2D
POINTS = 16  # values of each cell in the file; the first four are the box


def read(path):
    "The runtime with the file, and kernel and bias of each convolution, in the order of the operators."
    runtime = Interpreter(str(path), num_threads=1, experimental_preserve_all_tensors=True, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    runtime.allocate_tensors()
    answer(runtime, torch.zeros(1, 3, 192, 192))  # pruned kernels are there after a run only
    with open(path, 'rb') as file:
        model = tflite.Model.GetRootAs(file.read(), 0)
    graph, found = model.Subgraphs(0), []
    for operator in map(graph.Operators, range(graph.OperatorsLength())):
        code = model.OperatorCodes(operator.OpcodeIndex())
        if max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) in CONVOLUTIONS:
            found.append([torch.tensor(runtime.get_tensor(k)) for k in operator.InputsAsNumpy()[1:]])
    return runtime, found


def answer(runtime, square):
    "Logits 48x48 and values 48x48x16 for 1x3x192x192 in -1..1."
    runtime.set_tensor(runtime.get_input_details()[0]['index'], square.permute(0, 2, 3, 1).contiguous().numpy())
    runtime.invoke()
    return (runtime.get_tensor(d['index']).reshape(48, 48, -1).squeeze() for d in sorted(runtime.get_output_details(), key=lambda d: d['shape'][-1]))


def in_order(model):
    "Its convolutions, as the file's operators have them: a map's lateral comes where the map is made."
    stages, laterals = model.stages, model.laterals
    parts = [stages[0], stages[1], laterals[3], stages[2], laterals[2], stages[3], laterals[1], stages[4], laterals[0], *model.merges, model.score, model.box]
    return [layer for part in parts for layer in part.modules() if isinstance(layer, nn.Conv2d)]


def convert(tensors):
    "The detector with these tensors."
    model = FaceDetector()
    boxes = [layer for layer in model.box if isinstance(layer, nn.Conv2d)]
    for layer, (kernel, bias) in zip(in_order(model), tensors, strict=True):
        kernel = kernel.permute((0, 3, 1, 2) if layer.groups == 1 else (3, 0, 1, 2))
        if layer in boxes:  # TensorFlow's channels are row, column, value of a cell; here value, row, column
            kernel, bias = (t.unflatten(0, (4, POINTS)).transpose(0, 1)[:4].flatten(0, 1) for t in (kernel, bias))
        layer.weight.data.copy_(kernel)
        layer.bias.data.copy_(bias)
    return model


def reference(runtime, image):
    "All scores, and the best cell's box, where the image goes from -1 to 1; and the largest difference of a logit from ours."
    square, across, down = FaceDetector().square(image)
    logits, values = answer(runtime, square)
    row, column = divmod(int(logits.argmax()), 48)
    box = np.concatenate([values[row, column, :2] + (np.array([column, row]) + 0.5) * 4 - 96, values[row, column, 2:4]]) / 96
    with torch.no_grad():
        apart = np.abs(frozen_faces().cells(square)[0][0, 0].numpy() - logits).max()
    return 1 / (1 + np.exp(-logits.astype(np.float64).clip(-50))), box * np.array([across, down, across, down]), apart


def main():
    "Convert, save, compare, write."
    path = sys.argv[1]
    runtime, tensors = read(path)
    state = {name: value.half().contiguous() for name, value in convert(tensors).state_dict().items()}
    save_file(state, weights_folder() / 'faces.safetensors', metadata={
        'network': 'MediaPipe Face Detection, full-range model (sparse), Copyright The MediaPipe Authors, licensed under the Apache License, Version 2.0',
        'changes': 'by twinswin_matte: names and order of axes are those of PyTorch; of the values of each cell only the box is kept', 'sha256': file_digest(path)})
    scores, boxes, apart = zip(*(reference(runtime, load_image(samples_folder() / f'photos/{name}.jpg')[None]) for name in PHOTOGRAPHS), strict=True)
    print(f'largest difference of a logit: {max(apart):.2g}')
    if not max(apart) < 1e-2:
        raise SystemExit('the two networks differ; no reference is written')
    np.savez_compressed(repo_root() / 'nbs/records/faces.npz', names=PHOTOGRAPHS, scores=np.float32(scores), boxes=np.float32(boxes))


if __name__ == '__main__':
    main()
