"""Reads OTLP/JSON with the published protobuf definitions of OpenTelemetry, as a witness for what is sent.

Each line of standard input is {"signal": "traces" | "metrics" | "logs", "body": "..."}. Unknown fields, wrong types and
wrong nesting are errors. Ids, which OTLP has in hexadecimal and protobuf's JSON form in base64, are translated; one that is
not of its length is an error. For each line one line: {"name": ..., "decoded": ...}, or {"name": ..., "error": ...}.
"""

import base64
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
ID_BYTES = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def translated(value):
    if isinstance(value, list):
        return [translated(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, each in value.items():
        if key in ID_BYTES:
            raw = bytes.fromhex(each)
            if len(raw) != ID_BYTES[key] or raw == bytes(len(raw)) or each != each.lower():
                raise ValueError(f"{key}: expected {ID_BYTES[key]} bytes in lower-case hexadecimal, got {each}")
            found[key] = base64.b64encode(raw).decode()
        else:
            found[key] = translated(each)
    return found


def decode(signal, body):
    message = REQUESTS[signal]()
    json_format.ParseDict(translated(json.loads(body)), message, ignore_unknown_fields=False)
    # The same again over the wire: what a collector that speaks protobuf alone would get.
    again = REQUESTS[signal].FromString(message.SerializeToString())
    assert again == message
    return json_format.MessageToDict(message, always_print_fields_with_no_presence=False)


def main():
    failed = 0
    for line in sys.stdin:
        request = json.loads(line)
        try:
            result = {"name": request["signal"], "decoded": decode(request["signal"], request["body"])}
        except Exception as error:  # noqa: BLE001
            failed = 1
            result = {"name": request["signal"], "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
