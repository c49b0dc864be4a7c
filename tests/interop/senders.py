#!/usr/bin/env python3
"""Makes deliveries as an independent sender would: lxml and python-xmlsec, nothing of mbx.

A standalone SignedDelivery without any prefix is signed, embedded in a standalone SealedDelivery,
which is signed the same way; only then is it marshalled into the envelope, in three styles:

  default   default namespaces on each element, as the .NET senders write
  prefixed  p1 ... p7 declared on the Envelope, as the largest operator's generator writes
  jaxb      ns2 ... ns17 on the wrapper, most of them unused; base64 of the inner signature unfolded
            before the seal is made, as the Java senders do

A fourth, never made unless asked for, keeps whatever prefixes the signed document has (prefix-kept).

Usage:
  senders.py --key key.pem --certificate cert.pem [--seal-key key.pem --seal-certificate cert.pem]
             --recipient 198101032384 --body FILE --out FOLDER [options]

Writes FOLDER/<style>.xml: the bytes to post as text/xml;charset=UTF-8.
"""

import argparse
import base64
import datetime
import hashlib
import pathlib

import xmlsec
from lxml import etree

BASE = "http://minameddelanden.gov.se/schema/"
M1, M2, M3 = BASE + "Message", BASE + "Message/v2", BASE + "Message/v3"
SENDER, SERVICE = BASE + "Sender", BASE + "Service/v3"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
STYLES = ("default", "prefixed", "jaxb")
KEPT = "prefix-kept"


def child(parent, uri, name, text=None):
    """Appends an element without prefix."""
    element = etree.SubElement(parent, f"{{{uri}}}{name}", nsmap={None: uri})
    if text is not None:
        element.text = text
    return element


def signed_delivery(options):
    """The unsigned SignedDelivery."""
    root = etree.Element(f"{{{M3}}}SignedDelivery", nsmap={None: M3})
    delivery = child(root, M3, "Delivery")
    header = child(delivery, M3, "Header")
    sender = child(header, M2, "Sender")
    child(sender, SENDER, "Id", options.sender_id)
    child(sender, SENDER, "Name", options.sender_name)
    child(header, M2, "Recipient", options.recipient)
    message = child(delivery, M3, "Message")
    header = child(message, M3, "Header")
    child(header, M3, "Id", options.message_id)
    child(header, M3, "Subject", options.subject)
    support = child(header, M3, "Supportinfo")
    child(support, M3, "Text", options.support_text)
    child(header, M3, "Language", "svSE")
    body = child(message, M3, "Body")
    child(body, M1, "ContentType", options.body_type)
    child(body, M1, "Body", encoded(options.body))
    for attachment in options.attachment:
        file, media_type, name = attachment.split(":", 2)
        part = child(message, M3, "Attachment")
        octets = pathlib.Path(file).read_bytes()
        child(part, M1, "ContentType", media_type)
        child(part, M1, "Body", encoded(file))
        child(part, M1, "Checksum", hashlib.md5(octets).hexdigest().upper())
        child(part, M1, "Filename", name)
    return root


def encoded(file):
    return base64.b64encode(pathlib.Path(file).read_bytes()).decode()


def sign(root, key, certificate, options):
    """Appends an enveloped signature to a standalone document."""
    if options.reference == "id":
        root.set("Id", "_" + hashlib.sha256(etree.tostring(root)).hexdigest()[:16])
        xmlsec.tree.add_ids(root, ["Id"])
    methods = {
        "rsa-sha256": xmlsec.constants.TransformRsaSha256,
        "rsa-sha384": xmlsec.constants.TransformRsaSha384,
        "rsa-sha512": xmlsec.constants.TransformRsaSha512,
        "ecdsa-sha256": xmlsec.constants.TransformEcdsaSha256,
        "ecdsa-sha384": xmlsec.constants.TransformEcdsaSha384,
    }
    digests = {
        "sha256": xmlsec.constants.TransformSha256,
        "sha384": xmlsec.constants.TransformSha384,
        "sha512": xmlsec.constants.TransformSha512,
    }
    exclusive = xmlsec.constants.TransformExclC14N
    prefix = "ds" if options.signature_prefix else None
    signature = xmlsec.template.create(root, exclusive, methods[options.method], ns=prefix)
    root.append(signature)
    uri = "#" + root.get("Id") if options.reference == "id" else ""
    reference = xmlsec.template.add_reference(signature, digests[options.digest], uri=uri)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    if options.second_transform:
        xmlsec.template.add_transform(reference, exclusive)
    key_info = xmlsec.template.ensure_key_info(signature)
    data = xmlsec.template.add_x509_data(key_info)
    xmlsec.template.x509_data_add_subject_name(data)
    xmlsec.template.x509_data_add_certificate(data)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(key, xmlsec.constants.KeyDataFormatPem)
    context.key.load_cert_from_file(certificate, xmlsec.constants.KeyDataFormatCertPem)
    context.sign(signature)


def unfold(root):
    """Takes the line breaks out of a signature's base64, outside SignedInfo."""
    for name in ("SignatureValue", "X509Certificate"):
        for element in root.iter(f"{{{DSIG}}}{name}"):
            element.text = "".join(element.text.split())


def sealed_delivery(options, style):
    """Both signatures, on standalone documents."""
    signed = signed_delivery(options)
    sign(signed, options.key, options.certificate, options)
    if style == "jaxb":
        unfold(signed)
    root = etree.Element(f"{{{M3}}}SealedDelivery", nsmap={None: M3})
    root.append(signed)
    seal = child(root, M3, "Seal")
    child(seal, M1, "ReceivedTime", datetime.date.today().isoformat() + "+01:00")
    child(seal, M1, "SignaturesOK", "true")
    sign(root, options.seal_key or options.key, options.seal_certificate or options.certificate, options)
    return root


def marshal(sealed, style):
    """The envelope around it, with the root renamed."""
    if style == KEPT:
        return marshal_kept(sealed)
    sealed.tag = f"{{{SERVICE}}}deliverSecure"
    if style == "default":
        prefixes, on_envelope, on_wrapper = {SOAP: "s"}, {"s": SOAP}, {}
    elif style == "prefixed":
        order = (M1, M2, M3, SENDER, SERVICE, SOAP, DSIG)
        prefixes = {uri: f"p{place}" for place, uri in enumerate(order, 1)}
        on_envelope, on_wrapper = {prefix: uri for uri, prefix in prefixes.items()}, {}
    else:
        used = (SENDER, M2, DSIG, M3, SERVICE, M1)
        prefixes = {uri: f"ns{place}" for place, uri in enumerate(used, 2)} | {SOAP: "SOAP-ENV"}
        on_envelope = {"SOAP-ENV": SOAP}
        on_wrapper = {prefix: uri for uri, prefix in prefixes.items() if uri != SOAP}
        on_wrapper |= {f"ns{n}": f"{BASE}Unused/{n}" for n in range(8, 18)}
    out = ['<?xml version="1.0" encoding="UTF-8"?>']
    soap = prefixes[SOAP]
    out.append(f"<{soap}:Envelope{declarations(on_envelope)}><{soap}:Header/><{soap}:Body>")
    name = qualified(SERVICE, "deliverSecure", prefixes)
    around = "" if SERVICE in prefixes else f' xmlns="{SERVICE}"'
    out.append(f"<{name}{around}{declarations(on_wrapper)}>")
    write(sealed, None if SERVICE in prefixes else SERVICE, prefixes, out)
    out.append(f"</{name}></{soap}:Body></{soap}:Envelope>")
    return "".join(out).encode()


def marshal_kept(sealed):
    """The same with the signed document written as it is, prefixes and all."""
    text = etree.tostring(sealed, encoding="unicode")
    text = text.replace("<SealedDelivery", "<v:deliverSecure", 1)
    text = text.removesuffix("</SealedDelivery>") + "</v:deliverSecure>"
    return (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body><v:deliverSecure xmlns:v="{SERVICE}">{text}'
        "</v:deliverSecure></s:Body></s:Envelope>"
    ).encode()


def declarations(prefixes):
    return "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in prefixes.items())


def qualified(uri, name, prefixes):
    return f"{prefixes[uri]}:{name}" if uri in prefixes else name


def write(element, default, prefixes, out):
    """Writes a tree; text and tails are kept to the last line break."""
    uri, name = element.tag[1:].split("}")
    tag = qualified(uri, name, prefixes)
    out.append(f"<{tag}")
    if uri not in prefixes and uri != default:
        out.append(f' xmlns="{uri}"')
        default = uri
    for attribute, value in element.attrib.items():
        out.append(f' {attribute}="{escaped(value, quote=True)}"')
    if element.text is None and len(element) == 0:
        out.append("/>")
        return
    out.append(f">{escaped(element.text or '')}")
    for inner in element:
        write(inner, default, prefixes, out)
        out.append(escaped(inner.tail or ""))
    out.append(f"</{tag}>")


def escaped(text, quote=False):
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = text.replace("\r", "&#13;")
    if quote:
        text = text.replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    for name in ("--key", "--certificate", "--recipient", "--body", "--out"):
        parser.add_argument(name, required=True)
    parser.add_argument("--seal-key")
    parser.add_argument("--seal-certificate")
    parser.add_argument("--style", action="append", choices=STYLES + (KEPT,))
    parser.add_argument("--sender-id", default="162021004748")
    parser.add_argument("--sender-name", default="Kommun A")
    parser.add_argument("--message-id", default="interop-1")
    parser.add_argument("--subject", default="Beslut")
    parser.add_argument("--support-text", default="Kontakta oss")
    parser.add_argument("--body-type", default="text/plain")
    parser.add_argument("--attachment", action="append", default=[], metavar="FILE:TYPE:NAME")
    parser.add_argument("--method", default="rsa-sha256")
    parser.add_argument("--digest", default="sha256")
    parser.add_argument("--reference", choices=("empty", "id"), default="empty")
    parser.add_argument("--second-transform", action="store_true")
    parser.add_argument("--signature-prefix", action="store_true", help="ds: within the signed document")
    options = parser.parse_args()
    for style in options.style or STYLES:
        request = marshal(sealed_delivery(options, style), style)
        pathlib.Path(options.out, style + ".xml").write_bytes(request)


if __name__ == "__main__":
    main()
