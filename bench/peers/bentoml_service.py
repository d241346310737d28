"""BentoML around one ONNX Runtime session a worker; the body is read as it comes."""

import os

import bentoml
import numpy
import onnxruntime


@bentoml.service(workers=2, traffic={"timeout": 60})
class Tiny:
    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            f"{os.environ['MODELS']}/tiny/1/model.onnx", options, providers=["CPUExecutionProvider"]
        )

    @bentoml.api(route="/v2/models/tiny/infer")
    def infer(self, inputs: list[dict]) -> dict:
        tensor = inputs[0]
        value = numpy.array(tensor["data"], numpy.float32).reshape(tensor["shape"])
        output = self.session.run(None, {self.session.get_inputs()[0].name: value})[0]
        described = {"name": "output", "datatype": "FP32", "shape": list(output.shape), "data": output.ravel().tolist()}
        return {"model_name": "tiny", "outputs": [described]}
