"""A TorchServe handler around one ONNX Runtime session a worker, for batches that TorchServe has formed.

JPEGs become one tensor and one call, as TorchServe's own image handlers do; JSON carries one tensor as the Open Inference
Protocol writes it.
"""

import io
import os

import numpy
import onnxruntime
from PIL import Image

mean = numpy.array([0.485, 0.456, 0.406], numpy.float32)
deviation = numpy.array([0.229, 0.224, 0.225], numpy.float32)
session = None


def open_session(context):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    path = os.path.join(context.system_properties["model_dir"], "model.onnx")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def decode(jpeg):
    image = Image.open(io.BytesIO(jpeg))
    image.draft("RGB", (512, 512))
    image = image.convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    pixels = numpy.asarray(image.crop((left, top, left + 224, top + 224)), numpy.float32) / 255
    return ((pixels - mean) / deviation).transpose(2, 0, 1)


def handle(data, context):
    global session
    if session is None:
        session = open_session(context)
    if data is None:
        return None
    bodies = [row.get("body") or row.get("data") for row in data]
    name = session.get_inputs()[0].name
    if isinstance(bodies[0], dict):
        tensors = [body["inputs"][0] for body in bodies]
        rows = numpy.concatenate([numpy.array(each["data"], numpy.float32).reshape(each["shape"]) for each in tensors])
        return [
            {"outputs": [{"name": "output", "datatype": "FP32", "shape": [1, len(row)], "data": row.tolist()}]}
            for row in session.run(None, {name: rows})[0]
        ]
    images = numpy.ascontiguousarray(numpy.stack([decode(bytes(body)) for body in bodies]))
    answers = []
    for scores in session.run(None, {name: images})[0]:
        best = numpy.argsort(scores)[::-1][:5]
        answers.append([{"index": int(index), "score": float(scores[index])} for index in best])
    return answers
