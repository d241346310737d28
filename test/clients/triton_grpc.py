"""The call sequences of Triton's published gRPC examples, with its own client, unmodified. Arguments: HTTP, gRPC, models."""

import queue
import struct

import grpc
import numpy as np
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as aioclient
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

from examples import check, example, main, refused

ZERO_TO_15 = np.arange(16, dtype=np.int32).reshape(1, 16)
ONES = np.ones((1, 16), dtype=np.int32)


def inputs():
    made = [grpcclient.InferInput("INPUT0", [1, 16], "INT32"), grpcclient.InferInput("INPUT1", [1, 16], "INT32")]
    made[0].set_data_from_numpy(ZERO_TO_15)
    made[1].set_data_from_numpy(ONES)
    return made


def outputs():
    return [grpcclient.InferRequestedOutput("OUTPUT0"), grpcclient.InferRequestedOutput("OUTPUT1")]


def right(result):
    check(np.array_equal(result.as_numpy("OUTPUT0"), ZERO_TO_15 + ONES), result.get_response())
    check(np.array_equal(result.as_numpy("OUTPUT1"), ZERO_TO_15 - ONES), result.get_response())


@example
def simple_grpc_infer_client(_http, url, *_):
    with grpcclient.InferenceServerClient(url) as client:
        for compression in [None, "gzip", "deflate"]:
            result = client.infer(
                "simple",
                inputs(),
                outputs=outputs(),
                request_id="1",
                priority=1,
                timeout=10_000_000,
                client_timeout=30,
                headers={"test": "1"},
                compression_algorithm=compression,
            )
            right(result)
            check(result.get_response().id == "1")
        right(client.infer("simple", inputs()))
        check(len(client.get_inference_statistics(model_name="simple").model_stats) == 1)


@example
def simple_grpc_async_infer_client(_http, url, *_):
    with grpcclient.InferenceServerClient(url) as client:
        answers = queue.Queue()
        for _ in range(10):
            client.async_infer("simple", inputs(), lambda result, error: answers.put((result, error)), outputs=outputs())
        for _ in range(10):
            result, error = answers.get(timeout=30)
            check(error is None, error)
            right(result)


@example
def a_stream_answers_each_request_once_in_order(_http, url, *_):
    with grpcclient.InferenceServerClient(url) as client:
        answers = queue.Queue()
        client.start_stream(callback=lambda result, error: answers.put((result, error)))
        for number in range(20):
            client.async_stream_infer("simple", inputs(), request_id=str(number), outputs=outputs())
        for number in range(20):
            result, error = answers.get(timeout=30)
            check(error is None, error)
            check(result.get_response().id == str(number), result.get_response().id, number)
            right(result)
        # An error is told on the stream, and the stream goes on.
        client.async_stream_infer("wrong_model_name", inputs())
        _, error = answers.get(timeout=30)
        check("Request for unknown model" in str(error), error)
        client.async_stream_infer("simple", inputs())
        right(answers.get(timeout=30)[0])
        client.stop_stream()
        check(answers.empty())


@example
def simple_grpc_string_infer_client(_http, url, *_):
    with grpcclient.InferenceServerClient(url) as client:
        given = [grpcclient.InferInput("INPUT0", [1, 16], "BYTES"), grpcclient.InferInput("INPUT1", [1, 16], "BYTES")]
        given[0].set_data_from_numpy(np.array([[str(i).encode() for i in range(16)]], dtype=np.object_))
        given[1].set_data_from_numpy(np.array([[b"1"] * 16], dtype=np.object_))
        result = client.infer("simple_string", given, outputs=outputs())
        total = [int(one) for one in result.as_numpy("OUTPUT0").ravel()]
        check(total == [i + 1 for i in range(16)], total)


@example
def simple_grpc_health_metadata(_http, url, *_):
    with grpcclient.InferenceServerClient(url) as client:
        check(client.is_server_live(headers={"test": "1", "dummy": "2"}))
        check(client.is_server_ready())
        check(client.is_model_ready("simple"))
        check(client.get_server_metadata().name == "triton")
        check(client.get_model_metadata("simple").name == "simple")
        refused(lambda: client.get_model_metadata("wrong_model_name"), "Request for unknown model")
        config = client.get_model_config("simple").config
        check(config.name == "simple", config)
        check(config.max_batch_size > 1, config)
        check([(one.name, list(one.dims)) for one in config.input] == [("INPUT0", [16]), ("INPUT1", [16])], config)
        check(config.dynamic_batching.default_queue_policy.max_queue_size > 0, config)
        refused(lambda: client.get_model_config("wrong_model_name"), "Request for unknown model")
        as_json = client.get_model_config("simple", as_json=True)
        check(as_json["config"]["input"][0]["data_type"] == "TYPE_INT32", as_json)


@example
def simple_grpc_model_control(_http, url, models):
    with grpcclient.InferenceServerClient(url) as client:
        check(len(client.get_model_repository_index().models) == int(models), client.get_model_repository_index())
        client.load_model("simple")
        check(client.is_model_ready("simple"))
        client.unload_model("simple")
        check(not client.is_model_ready("simple"))
        refused(lambda: client.load_model("wrong_model_name"), "failed to load")
        client.load_model("simple")
        right(client.infer("simple", inputs()))


@example
def simple_grpc_shm_client(_http, url, *_):
    with grpcclient.InferenceServerClient(url) as client:
        client.unregister_system_shared_memory()
        client.unregister_cuda_shared_memory()
        check(len(client.get_system_shared_memory_status().regions) == 0)
        check(len(client.get_cuda_shared_memory_status().regions) == 0)
        refused(lambda: client.register_system_shared_memory("output_data", "/output_simple", 128), "UNIMPLEMENTED")
        given = inputs()
        given[0].set_shared_memory("input_data", 64)
        refused(lambda: client.infer("simple", given), "UNIMPLEMENTED")
        asked = outputs()
        asked[0].set_shared_memory("output_data", 64)
        refused(lambda: client.infer("simple", inputs(), outputs=asked), "UNIMPLEMENTED")


@example
def simple_grpc_keepalive_client(_http, url, *_):
    options = grpcclient.KeepAliveOptions(
        keepalive_time_ms=2**31 - 1,
        keepalive_timeout_ms=20000,
        keepalive_permit_without_calls=False,
        http2_max_pings_without_data=2,
    )
    with grpcclient.InferenceServerClient(url, keepalive_options=options) as client:
        right(client.infer("simple", inputs(), outputs=outputs()))


@example
def simple_grpc_custom_args_client(_http, url, *_):
    arguments = [("grpc.max_send_message_length", 2**31 - 1), ("grpc.max_receive_message_length", 2**31 - 1)]
    with grpcclient.InferenceServerClient(url, channel_args=arguments) as client:
        right(client.infer("simple", inputs(), outputs=outputs()))


@example
def grpc_client(_http, url, *_):
    """With the stubs alone."""
    stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(url))
    check(stub.ServerLive(service_pb2.ServerLiveRequest()).live)
    check(stub.ServerReady(service_pb2.ServerReadyRequest()).ready)
    check(stub.ModelReady(service_pb2.ModelReadyRequest(name="simple", version="")).ready)
    check(not stub.ModelReady(service_pb2.ModelReadyRequest(name="wrong_model_name")).ready)
    check(stub.ServerMetadata(service_pb2.ServerMetadataRequest()).name == "triton")
    check(stub.ModelMetadata(service_pb2.ModelMetadataRequest(name="simple")).name == "simple")
    check(stub.ModelConfig(service_pb2.ModelConfigRequest(name="simple")).config.name == "simple")
    request = service_pb2.ModelInferRequest(model_name="simple", model_version="", id="my request id")
    for name in ["INPUT0", "INPUT1"]:
        tensor = request.inputs.add(name=name, datatype="INT32")
        tensor.shape.extend([1, 16])
    request.raw_input_contents.extend([ZERO_TO_15.tobytes(), ONES.tobytes()])
    for name in ["OUTPUT0", "OUTPUT1"]:
        request.outputs.add(name=name)
    response = stub.ModelInfer(request)
    check(response.id == "my request id")
    check(np.array_equal(np.frombuffer(response.raw_output_contents[0], np.int32), (ZERO_TO_15 + ONES).ravel()))


@example
def grpc_explicit_int_content_client(_http, url, *_):
    stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(url))
    request = service_pb2.ModelInferRequest(model_name="simple")
    for name, data in [("INPUT0", range(16)), ("INPUT1", [1] * 16)]:
        tensor = request.inputs.add(name=name, datatype="INT32")
        tensor.shape.extend([1, 16])
        tensor.contents.int_contents[:] = data
    response = stub.ModelInfer(request)
    check(struct.unpack("<16i", response.raw_output_contents[0]) == tuple(range(1, 17)))


@example
def grpc_explicit_byte_content_client(_http, url, *_):
    stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(url))
    request = service_pb2.ModelInferRequest(model_name="simple_string")
    for name, data in [("INPUT0", range(16)), ("INPUT1", [1] * 16)]:
        tensor = request.inputs.add(name=name, datatype="BYTES")
        tensor.shape.extend([1, 16])
        tensor.contents.bytes_contents[:] = [str(one).encode() for one in data]
    raw = stub.ModelInfer(request).raw_output_contents[0]
    found, at = [], 0
    while at < len(raw):
        (length,) = struct.unpack_from("<I", raw, at)
        found.append(int(raw[at + 4 : at + 4 + length]))
        at += 4 + length
    check(found == list(range(1, 17)), found)


@example
def log_and_trace_settings(_http, url, *_):
    with grpcclient.InferenceServerClient(url) as client:
        check(client.get_log_settings().settings["log_error"].bool_param is True)
        check(list(client.get_trace_settings("simple").settings["trace_level"].value) == ["OFF"])
        refused(lambda: client.update_log_settings({"log_verbose_level": 1}), "log_verbose_level")
        refused(lambda: client.update_trace_settings("simple", {"trace_level": ["TIMESTAMPS"]}), "trace_level")


@example
def statistics_are_those_of_what_was_sent(_http, url, *_):
    with grpcclient.InferenceServerClient(url) as client:

        def figures():
            return client.get_inference_statistics("simple").model_stats[0]

        before = figures()
        for _ in range(5):
            client.infer("simple", inputs())
        refused(lambda: client.infer("simple", inputs(), model_version="99"))
        after = figures()
        check(after.inference_count - before.inference_count == 5, before, after)
        check(after.execution_count - before.execution_count == 5, before, after)
        check(after.inference_stats.success.count - before.inference_stats.success.count == 5)
        check(sum(one.compute_infer.count for one in after.batch_stats) == after.execution_count, after)


@example
async def simple_grpc_aio_infer_client(_http, url, models):
    async with aioclient.InferenceServerClient(url) as client:
        check(await client.is_server_live())
        check((await client.get_server_metadata()).name == "triton")
        right(await client.infer("simple", inputs(), outputs=outputs(), compression_algorithm="gzip"))
        check(len((await client.get_model_repository_index()).models) == int(models))
        try:
            await client.get_model_metadata("wrong_model_name")
            check(False, "expected an error")
        except InferenceServerException as error:
            check("Request for unknown model" in error.message(), error)


@example
async def a_stream_of_the_asyncio_client_answers_each_request_once(_http, url, *_):
    async with aioclient.InferenceServerClient(url) as client:

        async def requests():
            for number in range(10):
                yield {"model_name": "simple", "inputs": inputs(), "outputs": outputs(), "request_id": str(number)}

        seen = []
        async for result, error in client.stream_infer(requests()):
            check(error is None, error)
            right(result)
            seen.append(result.get_response().id)
        check(seen == [str(number) for number in range(10)], seen)


@example
def a_sequence_is_refused_in_words(_http, url, *_):
    with grpcclient.InferenceServerClient(url) as client:
        right(client.infer("simple", inputs(), sequence_id=0, sequence_start=True, sequence_end=True))
        for sequence_id in [7, "patient"]:
            try:
                client.infer("simple", inputs(), sequence_id=sequence_id, sequence_start=True)
                check(False, "expected an error")
            except InferenceServerException as error:
                check("sequences are not offered" in error.message(), error)


@example
def a_model_given_with_the_load_is_served(_http, url, *_):
    with grpcclient.InferenceServerClient(url) as client:
        with open(MODEL_FILE, "rb") as file:
            model = file.read()
        client.load_model("given_over_grpc", files={"file:3/model.onnx": model})
        right(client.infer("given_over_grpc", inputs(), model_version="3"))
        client.unload_model("given_over_grpc")


if __name__ == "__main__":
    import os

    MODEL_FILE = os.environ.get("MODEL_FILE", "")
    main()
