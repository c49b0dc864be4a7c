#!/usr/bin/env python3
"""An independent SOAP client: zeep loads ?wsdl over mutual TLS, reads an answer and a fault.

Nothing of mbx. Prints one JSON document.

Usage:
  client.py --wsdl https://localhost:8443/service/v3?wsdl --root root.pem
            --certificate client.pem --key client.key --recipient NUMBER [--recipient NUMBER ...]
            [--sender-id 162021004748]
"""

import argparse
import json

import requests
import zeep
import zeep.exceptions
import zeep.helpers
import zeep.transports

COMMON = "http://minameddelanden.gov.se/schema/Common/v3"


def client(options):
    """A client of the described service."""
    session = requests.Session()
    session.trust_env = False  # else REQUESTS_CA_BUNDLE outweighs what follows
    session.verify = options.root
    session.cert = (options.certificate, options.key)
    return zeep.Client(options.wsdl, transport=zeep.transports.Transport(session=session))


def notification(options, media_type="text/plain"):
    """The words of a notify, as plain values."""
    return {
        "Header": {
            "Sender": {"Id": options.sender_id, "Name": "Example Authority"},
            "Recipient": options.recipient,
        },
        "Message": {
            "header": {
                "Id": "zeep-1",
                "Subject": options.subject,
                "Supportinfo": {"Text": "Questions: see our web site"},
                "Language": "svSE",
            },
            "body": {"ContentType": media_type, "Body": options.text.encode()},
        },
    }


def plain(value):
    """A value of zeep as plain JSON."""
    return zeep.helpers.serialize_object(value, dict)


def fault_of(call):
    """The fault that a call is answered with, by its parts."""
    try:
        answer = call()
    except zeep.exceptions.Fault as fault:
        find = lambda name: fault.detail.find(f".//{{{COMMON}}}{name}")
        return {
            "code": fault.code,
            "message": fault.message,
            "error_code": int(find("ErrorCode").text),
            "description": find("Description").text,
            "call_id": find("CallId").text,
        }
    raise SystemExit(f"no fault: {answer}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    for name in ("--wsdl", "--root", "--certificate", "--key"):
        parser.add_argument(name, required=True)
    parser.add_argument("--recipient", action="append", required=True)
    parser.add_argument("--sender-id", default="162021004748")
    parser.add_argument("--subject", default="Påminnelse & <hälsning>")
    parser.add_argument("--text", default="I morgon klockan nio. €")
    options = parser.parse_args()
    service = client(options)
    operations = sorted(
        name
        for described in service.wsdl.services.values()
        for port in described.ports.values()
        for name in port.binding.all()
    )
    answer = service.service.notify(notification(options))
    fault = fault_of(lambda: service.service.notify(notification(options, "image/png")))
    print(json.dumps({"operations": operations, "answer": plain(answer), "fault": fault}))


if __name__ == "__main__":
    main()
