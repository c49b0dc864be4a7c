#!/usr/bin/env python3
"""Says whether requests are valid by the infrastructure's own schemas: an oracle for the parser.

Reads a JSON list of SOAP envelopes from standard input; the argument is Service.xsd of v3. Writes
a JSON list of booleans: whether the envelope holds one body with one element that is valid.
"""

import json
import sys

from lxml import etree

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"


def main():
    schema = etree.XMLSchema(etree.parse(sys.argv[1]))
    verdicts = []
    for text in json.load(sys.stdin):
        (body,) = etree.fromstring(text.encode()).findall(f"{SOAP}Body")
        stray = (body.text or "") + "".join(child.tail or "" for child in body)
        verdicts.append(not stray.strip() and len(body) == 1 and schema.validate(body[0]))
    json.dump(verdicts, sys.stdout)


if __name__ == "__main__":
    main()
