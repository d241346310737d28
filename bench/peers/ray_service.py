"""Ray Serve around one ONNX Runtime session a replica; the body is read as it comes."""

import os

import numpy
import onnxruntime
import orjson
from ray import serve
from starlette.requests import Request
from starlette.responses import Response


@serve.deployment(num_replicas=2, max_ongoing_requests=64, ray_actor_options={"num_cpus": 1})
class Tiny:
    def __init__(self, models: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            f"{models}/tiny/1/model.onnx", options, providers=["CPUExecutionProvider"]
        )

    async def __call__(self, request: Request) -> Response:
        tensor = orjson.loads(await request.body())["inputs"][0]
        value = numpy.array(tensor["data"], numpy.float32).reshape(tensor["shape"])
        output = self.session.run(None, {self.session.get_inputs()[0].name: value})[0]
        described = {"name": "output", "datatype": "FP32", "shape": output.shape, "data": output.ravel()}
        text = orjson.dumps({"model_name": "tiny", "outputs": [described]}, option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(text, media_type="application/json")


if __name__ == "__main__":
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])}, logging_config={"log_level": "ERROR"})
    serve.run(Tiny.bind(os.environ["MODELS"]), route_prefix="/v2/models/tiny/infer", blocking=True)
