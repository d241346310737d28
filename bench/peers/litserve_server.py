"""LitServe around one ONNX Runtime session a worker, as its documentation shows: decode, predict, encode."""

import os

import litserve
import numpy
import onnxruntime


class Tiny(litserve.LitAPI):
    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            f"{os.environ['MODELS']}/tiny/1/model.onnx", options, providers=["CPUExecutionProvider"]
        )

    def decode_request(self, request):
        tensor = request["inputs"][0]
        return numpy.array(tensor["data"], numpy.float32).reshape(tensor["shape"])

    def predict(self, tensor):
        return self.session.run(None, {self.session.get_inputs()[0].name: tensor})[0]

    def encode_response(self, output):
        shape = list(output.shape)
        described = {"name": "output", "datatype": "FP32", "shape": shape, "data": output.ravel().tolist()}
        return {"model_name": "tiny", "outputs": [described]}


if __name__ == "__main__":
    api = Tiny(api_path="/v2/models/tiny/infer")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=2)
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="warning")
