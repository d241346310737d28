"""A bare hand-written server, as a careful team writes it: FastAPI, one ONNX Runtime session a worker, no queue, no batches.

It speaks the parts of the Open Inference Protocol that the benchmark asks for (JSON, binary tensors) and TorchServe's
/predictions for a JPEG. Models are MODELS/NAME/1/model.onnx.
"""

import io
import os

import numpy
import onnxruntime
import orjson
from fastapi import FastAPI, Request, Response
from PIL import Image

models = os.environ["MODELS"]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
sessions = {
    name: onnxruntime.InferenceSession(f"{models}/{name}/1/model.onnx", options, providers=["CPUExecutionProvider"])
    for name in sorted(os.listdir(models))
}
outputs = {name: [output.name for output in session.get_outputs()] for name, session in sessions.items()}
mean = numpy.array([0.485, 0.456, 0.406], numpy.float32)
deviation = numpy.array([0.229, 0.224, 0.225], numpy.float32)

app = FastAPI()


@app.post("/v2/models/{name}/infer")
async def infer(name: str, request: Request) -> Response:
    body = await request.body()
    length = request.headers.get("inference-header-content-length")
    header = orjson.loads(body if length is None else body[: int(length)])
    at = 0 if length is None else int(length)
    feeds = {}
    for tensor in header["inputs"]:
        if "data" in tensor:
            feeds[tensor["name"]] = numpy.array(tensor["data"], numpy.float32).reshape(tensor["shape"])
        else:
            size = tensor["parameters"]["binary_data_size"]
            feeds[tensor["name"]] = numpy.frombuffer(body, numpy.float32, size // 4, at).reshape(tensor["shape"])
            at += size
    results = sessions[name].run(None, feeds)
    answer = {"model_name": name, "model_version": "1", "outputs": []}
    binary = header.get("parameters", {}).get("binary_data_output", False)
    parts = []
    for output, result in zip(outputs[name], results):
        described = {"name": output, "datatype": "FP32", "shape": result.shape}
        if binary:
            parts.append(result.tobytes())
            described["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            described["data"] = result.ravel()
        answer["outputs"].append(described)
    text = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    if not binary:
        return Response(text, media_type="application/json")
    headers = {"inference-header-content-length": str(len(text))}
    return Response(b"".join([text, *parts]), media_type="application/octet-stream", headers=headers)


@app.post("/predictions/{name}")
async def predict(name: str, request: Request) -> Response:
    image = Image.open(io.BytesIO(await request.body()))
    image.draft("RGB", (512, 512))
    image = image.convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    pixels = numpy.asarray(image.crop((left, top, left + 224, top + 224)), numpy.float32) / 255
    tensor = numpy.ascontiguousarray(((pixels - mean) / deviation).transpose(2, 0, 1))[None]
    session = sessions[name]
    scores = session.run(None, {session.get_inputs()[0].name: tensor})[0][0]
    best = numpy.argsort(scores)[::-1][:5]
    answer = [{"index": int(index), "score": float(scores[index])} for index in best]
    return Response(orjson.dumps(answer), media_type="application/json")
