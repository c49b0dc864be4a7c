"""Independent readers of what the door writes: zeep loads the service description, lxml validates.

usage: peer.py load FOLDER | peer.py validate FOLDER FILE...
FOLDER holds service.wsdl and the schemas as they are served. Nothing is fetched.
"""
import sys
from pathlib import Path
from urllib.parse import urlparse

from lxml import etree
from zeep import Client
from zeep.transports import Transport

ADDRESS = "https://mailbox.example/service/v3"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"


def document(folder, url):
    query = urlparse(url).query
    name = "service.wsdl" if query == "wsdl" else query.removeprefix("xsd=") + ".xsd"
    return (folder / name).read_bytes()


class Local(Transport):
    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def load(self, url):
        return document(self.folder, url)


class Resolver(etree.Resolver):
    def __init__(self, folder):
        self.folder = folder

    def resolve(self, url, _public, context):
        return self.resolve_string(document(self.folder, url), context, base_url=url)


def load(folder):
    client = Client(ADDRESS + "?wsdl", transport=Local(folder))
    (service,) = client.wsdl.services.values()
    (port,) = service.ports.values()
    assert port.binding_options["address"] == ADDRESS, port.binding_options
    for name, operation in sorted(port.binding._operations.items()):
        print(name, operation.input.signature(), "->", operation.output.signature())


def validate(folder, files):
    parser = etree.XMLParser()
    parser.resolvers.add(Resolver(folder))
    imports = "".join(
        f'<xs:import namespace="http://minameddelanden.gov.se/schema/{ns}" '
        f'schemaLocation="{ADDRESS}?xsd={name}"/>'
        for ns, name in [("Service/v3", "service-v3"), ("Common/v3", "common-v3")]
    )
    root = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}</xs:schema>'
    schema = etree.XMLSchema(etree.fromstring(root, parser))
    for file in files:
        body = etree.parse(file).getroot().find(SOAP + "Body")
        (payload,) = body
        if payload.tag == SOAP + "Fault":
            (payload,) = payload.find("detail")
        schema.assertValid(payload)
        print("valid", payload.tag)


if __name__ == "__main__":
    command, folder, *files = sys.argv[1:]
    load(Path(folder)) if command == "load" else validate(Path(folder), files)
