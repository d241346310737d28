"""KServe's own REST and gRPC inference clients, unmodified, as its documentation calls them. Arguments: HTTP, gRPC, models."""

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig

from examples import check, example, main

DATA = np.arange(16, dtype=np.int32).reshape(1, 16)


def request(binary, model="simple"):
    given = [InferInput(name=name, shape=[1, 16], datatype="INT32") for name in ("INPUT0", "INPUT1")]
    for one in given:
        one.set_data_from_numpy(DATA, binary_data=binary)
    return InferRequest(model_name=model, infer_inputs=given, request_id="my-id")


def right(response):
    by_name = {output.name: output.as_numpy() for output in response.outputs}
    check(np.array_equal(by_name["OUTPUT0"], DATA + DATA), by_name)
    check(np.array_equal(by_name["OUTPUT1"], DATA - DATA), by_name)
    check(response.id == "my-id", response.id)


@example
async def inference_rest_client(url, *_):
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=3, timeout=60))
    base = f"http://{url}"
    check(await client.is_server_live(base))
    check(await client.is_server_ready(base))
    check(await client.is_model_ready(base, "simple"))
    for binary in [True, False]:
        right(await client.infer(base, request(binary), model_name="simple"))
    await client.close()


@example
async def a_model_that_is_not_there_is_not_ready_over_rest(url, *_):
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    try:
        ready = await client.is_model_ready(f"http://{url}", "wrong_model_name")
        check(ready is False, ready)
    except Exception as error:
        check("404" in str(error), error)
    await client.close()


@example
async def inference_grpc_client(_http, url, *_):
    async with InferenceGRPCClient(url) as client:
        check(await client.is_server_live())
        check(await client.is_server_ready())
        check(await client.is_model_ready("simple"))
        for binary in [True, False]:
            right(await client.infer(request(binary)))


@example
async def strings_over_both(url, target, *_):
    values = np.array([["a", "", "日本語"]], dtype=np.object_)
    given = InferInput(name="INPUT0", shape=[1, 3], datatype="BYTES")
    given.set_data_from_numpy(values, binary_data=False)
    wanted = InferRequest(model_name="simple_identity", infer_inputs=[given])
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    response = await client.infer(f"http://{url}", wanted, model_name="simple_identity")
    check([one for one in response.outputs[0].data] == ["a", "", "日本語"], response.outputs[0].data)
    await client.close()
    async with InferenceGRPCClient(target) as over_grpc:
        given.set_data_from_numpy(values, binary_data=True)
        response = await over_grpc.infer(InferRequest(model_name="simple_identity", infer_inputs=[given]))
        check(response.outputs[0].as_numpy().ravel()[2] in ("日本語", "日本語".encode()), response.outputs[0].as_numpy())


if __name__ == "__main__":
    main()
