"""The call sequences of Triton's published HTTP examples, with its own client, unmodified. Arguments: HTTP, gRPC, models."""

import numpy as np
import tritonclient.http as httpclient
import tritonclient.http.aio as aioclient
from tritonclient.utils import InferenceServerException

from examples import check, example, main, refused

ZERO_TO_15 = np.arange(16, dtype=np.int32).reshape(1, 16)
ONES = np.ones((1, 16), dtype=np.int32)


def inputs(first_binary=False, second_binary=True, client=httpclient):
    made = [client.InferInput("INPUT0", [1, 16], "INT32"), client.InferInput("INPUT1", [1, 16], "INT32")]
    made[0].set_data_from_numpy(ZERO_TO_15, binary_data=first_binary)
    made[1].set_data_from_numpy(ONES, binary_data=second_binary)
    return made


def right(result):
    check(np.array_equal(result.as_numpy("OUTPUT0"), ZERO_TO_15 + ONES), result.get_response())
    check(np.array_equal(result.as_numpy("OUTPUT1"), ZERO_TO_15 - ONES), result.get_response())


@example
def simple_http_infer_client(url, *_):
    with httpclient.InferenceServerClient(url) as client:
        for request_compression in [None, "gzip", "deflate"]:
            for response_compression in [None, "gzip", "deflate"]:
                outputs = [
                    httpclient.InferRequestedOutput("OUTPUT0", binary_data=True),
                    httpclient.InferRequestedOutput("OUTPUT1", binary_data=False),
                ]
                result = client.infer(
                    "simple",
                    inputs(),
                    outputs=outputs,
                    request_id="1",
                    priority=1,
                    timeout=10_000_000,
                    query_params={"test_1": 1, "test_2": 2},
                    headers={"test": "1"},
                    request_compression_algorithm=request_compression,
                    response_compression_algorithm=response_compression,
                )
                right(result)
                check(result.get_response()["id"] == "1")
        # Without outputs the client asks for all of them, binary.
        right(client.infer("simple", inputs(), outputs=None))
        right(client.infer("simple", inputs(False, False), outputs=None))
        statistics = client.get_inference_statistics(model_name="simple")
        check(len(statistics["model_stats"]) == 1, statistics)


@example
def simple_http_async_infer_client(url, *_):
    with httpclient.InferenceServerClient(url, concurrency=4) as client:
        pending = [client.async_infer("simple", inputs(True, True)) for _ in range(20)]
        for one in pending:
            right(one.get_result())


@example
def simple_http_string_infer_client(url, *_):
    numbers = np.array([[str(i).encode() for i in range(16)]], dtype=np.object_)
    ones = np.array([[b"1"] * 16], dtype=np.object_)
    with httpclient.InferenceServerClient(url) as client:
        for binary in [True, False]:
            given = [httpclient.InferInput("INPUT0", [1, 16], "BYTES"), httpclient.InferInput("INPUT1", [1, 16], "BYTES")]
            given[0].set_data_from_numpy(numbers, binary_data=binary)
            given[1].set_data_from_numpy(ones, binary_data=False)
            outputs = [
                httpclient.InferRequestedOutput("OUTPUT0", binary_data=binary),
                httpclient.InferRequestedOutput("OUTPUT1", binary_data=not binary),
            ]
            result = client.infer("simple_string", given, outputs=outputs)
            total = [int(one) for one in result.as_numpy("OUTPUT0").ravel()]
            difference = [int(one) for one in result.as_numpy("OUTPUT1").ravel()]
            check(total == [i + 1 for i in range(16)], total)
            check(difference == [i - 1 for i in range(16)], difference)


@example
def strings_of_any_bytes_come_back(url, *_):
    values = np.array([[b"", b"plain", "日本語".encode(), bytes(range(1, 32)), b"x" * 5000]], dtype=np.object_)
    with httpclient.InferenceServerClient(url) as client:
        given = httpclient.InferInput("INPUT0", list(values.shape), "BYTES")
        given.set_data_from_numpy(values, binary_data=True)
        result = client.infer("simple_identity", [given])
        check(np.array_equal(result.as_numpy("OUTPUT0"), values), result.as_numpy("OUTPUT0"))


@example
def simple_http_health_metadata(url, *_):
    with httpclient.InferenceServerClient(url) as client:
        check(client.is_server_live(query_params={"test_1": 1, "test_2": 2}))
        check(client.is_server_ready())
        check(client.is_model_ready("simple"))
        check(not client.is_model_ready("wrong_model_name"))
        metadata = client.get_server_metadata()
        check(metadata["name"] == "triton", metadata)
        metadata = client.get_model_metadata("simple", query_params={"test_1": 1, "test_2": 2})
        check(metadata["name"] == "simple", metadata)
        refused(lambda: client.get_model_metadata("wrong_model_name"), "Request for unknown model")


@example
def simple_http_model_control(url, _grpc, models):
    with httpclient.InferenceServerClient(url) as client:
        check(len(client.get_model_repository_index()) == int(models), client.get_model_repository_index())
        client.load_model("simple")
        check(client.is_model_ready("simple"))
        client.unload_model("simple")
        check(not client.is_model_ready("simple"))
        check(len(client.get_model_repository_index()) == int(models))
        refused(lambda: client.load_model("wrong_model_name"), "failed to load")
        client.load_model("simple")
        right(client.infer("simple", inputs()))
        client.unload_model("simple", unload_dependents=True)
        client.load_model("simple")


@example
def a_model_that_cannot_be_loaded_is_told_in_the_words_of_the_runtime(url, *_):
    with httpclient.InferenceServerClient(url) as client:
        refused(lambda: client.load_model("refused"), "failed to load", "NoSuchOperator", kind=InferenceServerException)
        client.unload_model("refused")


@example
def simple_http_shm_client(url, *_):
    with httpclient.InferenceServerClient(url) as client:
        # As the examples begin: whatever an earlier run has left is to go.
        client.unregister_system_shared_memory()
        client.unregister_cuda_shared_memory()
        check(client.get_system_shared_memory_status() == [])
        check(client.get_cuda_shared_memory_status() == [])
        refused(lambda: client.register_system_shared_memory("output_data", "/output_simple", 128), "[501]")
        given = inputs()
        given[0].set_shared_memory("input_data", 64)
        refused(lambda: client.infer("simple", given), "[501]")
        outputs = [httpclient.InferRequestedOutput("OUTPUT0")]
        outputs[0].set_shared_memory("output_data", 64)
        refused(lambda: client.infer("simple", inputs(), outputs=outputs), "[501]")


@example
def reuse_infer_objects_client(url, *_):
    with httpclient.InferenceServerClient(url) as client:
        given = inputs(True, True)
        outputs = [httpclient.InferRequestedOutput(name) for name in ("OUTPUT0", "OUTPUT1")]
        for _ in range(5):
            right(client.infer("simple", given, outputs=outputs))


@example
def log_and_trace_settings(url, *_):
    with httpclient.InferenceServerClient(url) as client:
        check(client.get_log_settings()["log_error"] is True)
        check(client.get_trace_settings()["trace_level"] == ["OFF"])
        check(client.get_trace_settings("simple")["trace_level"] == ["OFF"])
        refused(lambda: client.update_log_settings({"log_verbose_level": 1}), "log_verbose_level")
        refused(lambda: client.update_trace_settings("simple", {"trace_level": ["TIMESTAMPS"]}), "trace_level")


@example
def perf_analyzer(url, *_):
    """What perf_analyzer asks before, between and after what it measures, and how it reads the answers."""
    with httpclient.InferenceServerClient(url) as client:
        check(client.is_server_ready())
        extensions = client.get_server_metadata()["extensions"]
        for extension in ["binary_tensor_data", "statistics", "model_configuration"]:
            check(extension in extensions, extension, extensions)
        metadata = client.get_model_metadata("simple", "")
        config = client.get_model_config("simple", "")
        for kind, tensors in [("input", "inputs"), ("output", "outputs")]:
            check([one["name"] for one in config[kind]] == [one["name"] for one in metadata[tensors]])
            for described, configured in zip(metadata[tensors], config[kind]):
                # With a batch size it drops the first dimension of the metadata.
                shape = described["shape"][1:] if config["max_batch_size"] > 0 else described["shape"]
                check(shape == configured["dims"], shape, configured)
                check(configured["data_type"] == "TYPE_" + described["datatype"], configured)
        check(config["max_batch_size"] > 1, config)

        def figures():
            return client.get_inference_statistics("simple", "")["model_stats"][0]

        before = figures()
        batch = np.repeat(ZERO_TO_15, 3, axis=0)
        for _ in range(5):
            given = [httpclient.InferInput(name, [3, 16], "INT32") for name in ("INPUT0", "INPUT1")]
            for one in given:
                one.set_data_from_numpy(batch)
            client.infer("simple", given)
        after = figures()
        check(after["inference_count"] - before["inference_count"] == 15, before, after)
        check(after["execution_count"] - before["execution_count"] == 5, before, after)
        for name in ["success", "queue", "compute_input", "compute_infer", "compute_output"]:
            was, now = before["inference_stats"][name], after["inference_stats"][name]
            check(now["count"] - was["count"] == 5, name, was, now)
            check(now["ns"] >= was["ns"], name, was, now)
        parts = ["queue", "compute_input", "compute_infer", "compute_output"]
        spent = sum(after["inference_stats"][name]["ns"] for name in parts)
        check(0 < spent <= after["inference_stats"]["success"]["ns"] * 1.01 + 1000, after)
        check([one for one in after["batch_stats"] if one["batch_size"] == 3], after)
        check(sum(one["compute_infer"]["count"] for one in after["batch_stats"]) == after["execution_count"], after)
        check(len(client.get_inference_statistics()["model_stats"]) >= 3)


@example
async def simple_http_aio_infer_client(url, _grpc, models):
    async with aioclient.InferenceServerClient(url) as client:
        check(await client.is_server_live())
        check((await client.get_server_metadata())["name"] == "triton")
        check(await client.is_model_ready("simple"))
        result = await client.infer("simple", inputs(client=aioclient), request_compression_algorithm="gzip")
        right(result)
        check(len(await client.get_model_repository_index()) == int(models))
        check((await client.get_model_config("simple"))["name"] == "simple")
        await client.load_model("simple")
        try:
            await client.get_model_metadata("wrong_model_name")
            check(False, "expected an error")
        except InferenceServerException as error:
            check("Request for unknown model" in error.message(), error)


@example
def a_sequence_is_refused_in_words(url, *_):
    with httpclient.InferenceServerClient(url) as client:
        right(client.infer("simple", inputs(), sequence_id=0, sequence_start=True, sequence_end=True))
        for sequence_id in [7, "patient"]:
            refused(
                lambda: client.infer("simple", inputs(), sequence_id=sequence_id, sequence_start=True),
                "sequences are not offered",
            )


@example
def a_model_given_with_the_load_is_served(url, *_):
    with httpclient.InferenceServerClient(url) as client:
        with open(MODEL_FILE, "rb") as file:
            model = file.read()
        client.load_model("given", config=GIVEN_CONFIG, files={"file:1/model.onnx": model})
        config = client.get_model_config("given")
        check(config["max_batch_size"] == 4, config)
        check(config["dynamic_batching"]["default_queue_policy"]["max_queue_size"] == 7, config)
        right(client.infer("given", inputs(), model_version="1"))
        refused(
            lambda: client.load_model("given", config='{"no_such_field": 1}'), "failed to load", "no_such_field"
        )
        client.unload_model("given")


if __name__ == "__main__":
    import json
    import os

    MODEL_FILE = os.environ.get("MODEL_FILE", "")
    GIVEN_CONFIG = json.dumps(
        {
            "max_batch_size": 4,
            "dynamic_batching": {"default_queue_policy": {"max_queue_size": 7}},
            "instance_group": [{"kind": "KIND_CPU", "count": 1}],
        }
    )
    main()
