"""Triton's clients and a model that sleeps: a deployment for each, which nobody has asked before. Arguments: HTTP, gRPC."""

import numpy as np
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as grpcaio
import tritonclient.http as httpclient
import tritonclient.http.aio as httpaio

from examples import check, example, main

DATA = np.arange(16, dtype=np.int32).reshape(1, 16)


def inputs(library):
    made = [library.InferInput(name, [1, 16], "INT32") for name in ("INPUT0", "INPUT1")]
    for one in made:
        one.set_data_from_numpy(DATA)
    return made


def right(result):
    check(np.array_equal(result.as_numpy("OUTPUT0"), DATA + DATA), result.get_response())


def entry(index, name):
    (found,) = [one for one in index if one["name"] == name]
    return found


def ask_over_http(client, name):
    """Everything that is asked of a model but an inference."""
    check(client.is_server_live())
    check(client.is_server_ready())
    check(client.is_model_ready(name))
    check(client.is_model_ready(name, "1"))
    check(client.get_model_metadata(name)["versions"] == ["1"])
    check(client.get_model_config(name)["max_batch_size"] > 0)
    check(entry(client.get_model_repository_index(), name)["state"] == "READY")
    check(client.get_inference_statistics(name)["model_stats"][0]["inference_count"] == 0)


def ask_over_grpc(client, name):
    check(client.is_server_live())
    check(client.is_server_ready())
    check(client.is_model_ready(name))
    check(client.is_model_ready(name, "1"))
    check(list(client.get_model_metadata(name).versions) == ["1"])
    check(client.get_model_config(name).config.max_batch_size > 0)
    index = client.get_model_repository_index(as_json=True)["models"]
    check(entry(index, name)["state"] == "READY", index)
    check(client.get_inference_statistics(name).model_stats[0].inference_count == 0)


@example
def being_asked_wakes_nobody(url, target):
    with httpclient.InferenceServerClient(url) as client:
        ask_over_http(client, "asked")
    with grpcclient.InferenceServerClient(target) as client:
        ask_over_grpc(client, "asked")


@example
def http(url, _target):
    with httpclient.InferenceServerClient(url) as client:
        ask_over_http(client, "http")
        right(client.infer("http", inputs(httpclient)))
        check(client.is_model_ready("http"))


@example
def http_requests_side_by_side(url, _target):
    with httpclient.InferenceServerClient(url, concurrency=8) as client:
        pending = [client.async_infer("http-many", inputs(httpclient)) for _ in range(24)]
        for one in pending:
            right(one.get_result())


@example
async def http_with_asyncio(url, _target):
    async with httpaio.InferenceServerClient(url) as client:
        check(await client.is_server_ready())
        check(await client.is_model_ready("http-aio"))
        check((await client.get_model_metadata("http-aio"))["versions"] == ["1"])
        right(await client.infer("http-aio", inputs(httpaio)))


@example
def grpc(_url, target):
    with grpcclient.InferenceServerClient(target) as client:
        ask_over_grpc(client, "grpc")
        right(client.infer("grpc", inputs(grpcclient), client_timeout=20))
        check(client.is_model_ready("grpc"))


@example
async def grpc_with_asyncio(_url, target):
    async with grpcaio.InferenceServerClient(target) as client:
        check(await client.is_server_ready())
        check(await client.is_model_ready("grpc-aio"))
        check(list((await client.get_model_metadata("grpc-aio")).versions) == ["1"])
        right(await client.infer("grpc-aio", inputs(grpcaio)))


@example
async def a_stream(_url, target):
    async with grpcaio.InferenceServerClient(target) as client:

        async def requests():
            for number in range(5):
                yield {"model_name": "grpc-stream", "inputs": inputs(grpcaio), "request_id": str(number)}

        seen = []
        async for result, error in client.stream_infer(requests()):
            check(error is None, error)
            right(result)
            seen.append(result.get_response().id)
        check(seen == [str(number) for number in range(5)], seen)


if __name__ == "__main__":
    main()
