"""KServe's clients and a model that sleeps: a deployment for each, which nobody has asked before. Arguments: HTTP, gRPC."""

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig

from examples import check, example, main

DATA = np.arange(16, dtype=np.int32).reshape(1, 16)


def request(model):
    given = [InferInput(name=name, shape=[1, 16], datatype="INT32") for name in ("INPUT0", "INPUT1")]
    for one in given:
        one.set_data_from_numpy(DATA, binary_data=True)
    return InferRequest(model_name=model, infer_inputs=given, request_id="my-id")


def right(response):
    by_name = {output.name: output.as_numpy() for output in response.outputs}
    check(np.array_equal(by_name["OUTPUT0"], DATA + DATA), by_name)


@example
async def rest(url, _target):
    # Without retries: the first answer is the one that counts.
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0, timeout=60))
    base = f"http://{url}"
    check(await client.is_server_live(base))
    check(await client.is_server_ready(base))
    check(await client.is_model_ready(base, "kserve-rest"))
    right(await client.infer(base, request("kserve-rest"), model_name="kserve-rest"))
    await client.close()


@example
async def grpc(_url, target):
    async with InferenceGRPCClient(target, retries=0, timeout=60) as client:
        check(await client.is_server_live())
        check(await client.is_server_ready())
        check(await client.is_model_ready("kserve-grpc"))
        right(await client.infer(request("kserve-grpc")))


if __name__ == "__main__":
    main()
