"""PyTriton (Triton's own front end and batcher) around one ONNX Runtime session an instance, two instances."""

import os

import numpy
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


def instance():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        f"{os.environ['MODELS']}/tiny/1/model.onnx", options, providers=["CPUExecutionProvider"]
    )

    @batch
    def infer(input):
        return [session.run(None, {"input": input})[0]]

    return infer


if __name__ == "__main__":
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=int(os.environ["PORT"]),
        grpc_address="127.0.0.1",
        grpc_port=int(os.environ["GRPC_PORT"]),
        metrics_port=int(os.environ["METRICS_PORT"]),
        allow_gpu_metrics=False,
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="tiny",
            infer_func=[instance(), instance()],
            inputs=[Tensor(name="input", dtype=numpy.float32, shape=(-1,))],
            outputs=[Tensor(name="output", dtype=numpy.float32, shape=(-1,))],
            config=ModelConfig(max_batch_size=16, batcher=DynamicBatcher()),
        )
        triton.serve()
