#!/usr/bin/env python3
"""Judges requests as an independent receiver would: lxml and python-xmlsec, nothing of mbx.

Reads requests from standard input, each behind its length in four bytes, big-endian; writes one
line of JSON for each: {"taken": true, "forms": ..., "facts": [[label, hex], ...]} or
{"taken": false, "why": ...}; with Service.xsd of v3 as the argument, "valid" says besides whether
what was taken keeps the schema.

A request is located in its envelope, each signed element is written anew as a document of its own
(without any prefix; where that does not verify, with the prefixes as sent), and xmlsec verifies it
with the key of the first certificate. Facts are read from canonical octets whose digest is the one
that was signed, and from nothing else.
"""

import base64
import hashlib
import json
import re
import sys

import xmlsec
from lxml import etree

BASE = "http://minameddelanden.gov.se/schema/"
M1, M2, M3 = BASE + "Message", BASE + "Message/v2", BASE + "Message/v3"
SENDER, SERVICE = BASE + "Sender", BASE + "Service/v3"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XML = "http://www.w3.org/XML/1998/namespace"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": hashlib.sha256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashlib.sha384,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashlib.sha512,
}
PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
SPACE = " \t\r\n"
# The infrastructure's own schema, where an argument names it.
SCHEMA = etree.XMLSchema(etree.parse(sys.argv[1])) if len(sys.argv) > 1 else None


class Refused(Exception):
    """The request is not taken."""


def elements(parent):
    return [child for child in parent if isinstance(child.tag, str)]


def only(parent, tag, why):
    found = elements(parent)
    if len(found) != 1 or found[0].tag != tag:
        raise Refused(why)
    return found[0]


def locate(root):
    """The sealed element."""
    if root.tag != f"{{{SOAP}}}Envelope":
        raise Refused("no envelope")
    parts = elements(root)
    if parts and parts[0].tag == f"{{{SOAP}}}Header":
        parts = parts[1:]
    if len(parts) != 1 or parts[0].tag != f"{{{SOAP}}}Body":
        raise Refused("no body")
    operation = f"{{{SERVICE}}}deliverSecure"
    return only(only(parts[0], operation, "no operation"), operation, "no sealed delivery")


def escaped(text):
    text = text.replace("&", "&amp;")
    for special in '<>"\r\n\t':
        text = text.replace(special, f"&#{ord(special)};")
    return text


def attribute_prefix(element, uri, local):
    """The prefix that an attribute was written with."""
    known = [prefix for prefix, bound in element.nsmap.items() if prefix and bound == uri]
    if len(known) == 1:
        return known[0]
    text = etree.tostring(element, method="c14n", exclusive=True, with_comments=False).decode()
    tag = re.match(r'<[^\s>]+(?:\s+[^\s=]+="[^"]*")*', text).group()
    return next(p for p in known if re.search(rf"\s{re.escape(p)}:{re.escape(local)}=", tag))


def prefix_free(element, outer=None, name=None):
    """An element written anew, each element with its namespace as the default one."""
    qualified = etree.QName(name or element)
    uri = qualified.namespace or ""
    out = [f"<{qualified.localname}"]
    if uri != outer:
        out.append(f' xmlns="{escaped(uri)}"')
    for attribute, value in element.attrib.items():
        attribute = etree.QName(attribute)
        written = attribute.localname
        if attribute.namespace == XML:
            written = f"xml:{written}"
        elif attribute.namespace:
            prefix = attribute_prefix(element, attribute.namespace, written)
            written = f"{prefix}:{written}"
            declared = f' xmlns:{prefix}="{escaped(attribute.namespace)}"'
            if declared not in out:
                out.append(declared)
        out.append(f' {written}="{escaped(value)}"')
    out.append(f">{escaped(element.text or '')}")
    for child in element:
        if isinstance(child.tag, str):
            out.append(prefix_free(child, uri))
        elif isinstance(child, etree._Comment):
            out.append(f"<!--{child.text}-->")
        else:
            out.append(f"<?{child.target} {child.text}?>")
        out.append(escaped(child.tail or ""))
    return "".join(out) + f"</{qualified.localname}>"


def as_sent(element, name=None):
    """An element written with the prefixes as sent; the old name bears the first child's."""
    if name is None:
        return etree.tostring(element, method="c14n", exclusive=True, with_comments=False).decode()
    children = elements(element)
    prefix = children[0].prefix if children else None
    if element.nsmap.get(prefix) != M3:
        prefix = None
    tag = f"{prefix}:SealedDelivery" if prefix else "SealedDelivery"
    out = [f"<{tag} xmlns{':' + prefix if prefix else ''}=\"{M3}\""]
    out += [f' {attribute}="{escaped(value)}"' for attribute, value in element.attrib.items()]
    out.append(f">{escaped(element.text or '')}")
    for child in element:
        if isinstance(child.tag, str):
            out.append(as_sent(child))
        out.append(escaped(child.tail or ""))
    return "".join(out) + f"</{tag}>"


def verify(text):
    """Verifies the signature of a document of its own; gives its root without the signature."""
    root = etree.fromstring(text.encode(), PARSER)
    children = elements(root)
    if not children or children[-1].tag != f"{{{DSIG}}}Signature":
        raise Refused("no signature")
    signature = children[-1]
    references = signature.findall(f"{{{DSIG}}}SignedInfo/{{{DSIG}}}Reference")
    if len(references) != 1:
        raise Refused("references")
    reference = references[0]
    uri, own = reference.get("URI"), root.get("Id")
    if uri != "" and (own is None or uri != "#" + own):
        raise Refused("reference")
    for transform in reference.findall(f"{{{DSIG}}}Transforms/{{{DSIG}}}Transform"):
        if transform.get("Algorithm") not in (ENVELOPED, EXCLUSIVE):
            raise Refused("transform")
    certificate = signature.find(f"{{{DSIG}}}KeyInfo/{{{DSIG}}}X509Data/{{{DSIG}}}X509Certificate")
    if certificate is None:
        raise Refused("no certificate")
    context = xmlsec.SignatureContext()
    try:
        der = base64.b64decode("".join("".join(certificate.itertext()).split()))
        context.key = xmlsec.Key.from_memory(der, xmlsec.constants.KeyDataFormatCertDer)
        xmlsec.tree.add_ids(root, ["Id"])
        context.verify(signature)
    except (xmlsec.Error, ValueError) as error:
        raise Refused(f"signature: {error}") from error
    tail, previous = signature.tail or "", signature.getprevious()
    root.remove(signature)
    if previous is None:
        root.text = (root.text or "") + tail
    elif tail:
        previous.tail = (previous.tail or "") + tail
    lists = reference.findall(f".//{{{EXCLUSIVE}}}InclusiveNamespaces")
    inclusive = lists[0].get("PrefixList", "").split() if lists else None
    octets = etree.tostring(
        root, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=inclusive
    )
    method = reference.find(f"{{{DSIG}}}DigestMethod").get("Algorithm")
    if method not in DIGESTS:
        raise Refused("digest method")
    value = base64.b64decode(reference.findtext(f"{{{DSIG}}}DigestValue"))
    if DIGESTS[method](octets).digest() != value:
        raise Refused("the octets read are not those that were signed")
    return etree.fromstring(octets, PARSER)


def own(element, uri, *locals_):
    """The first child of each name on the way."""
    for local in locals_:
        element = None if element is None else element.find(f"{{{uri}}}{local}")
    return element


def facts(delivery):
    said = []

    def put(label, element, trim=False):
        if element is not None:
            text = "".join(element.itertext())
            said.append((label, (text.strip(SPACE) if trim else text).encode()))

    header = own(delivery, M3, "Delivery", "Header")
    sender = own(header, M2, "Sender")
    put("sender.id", own(sender, SENDER, "Id"))
    put("sender.name", own(sender, SENDER, "Name"))
    put("sender.attention", own(sender, SENDER, "Attention"))
    for label, name in (("recipient", "Recipient"), ("reference", "Reference"),
                        ("correlation", "CorrelationId"), ("attention", "Attention")):
        put(label, own(header, M2, name))
    for message in delivery.findall(f"{{{M3}}}Delivery/{{{M3}}}Message"):
        header = own(message, M3, "Header")
        support = own(header, M3, "Supportinfo")
        put("id", own(header, M3, "Id"))
        put("subject", own(header, M3, "Subject"))
        put("support.text", own(support, M3, "Text"))
        put("support.url", own(support, M3, "URL"), trim=True)
        put("support.phone", own(support, M3, "PhoneNumber"))
        put("support.email", own(support, M3, "EmailAdress"))
        for pair in header.findall(f"{{{M3}}}Metadata"):
            put("tag", own(pair, M1, "Tag"))
            put("value", own(pair, M1, "Value"))
        put("language", own(header, M3, "Language"), trim=True)
        put("reply", own(header, M3, "Reply"))
        put("receipt", own(header, M3, "ReceiptRequest"))
        for part in [own(message, M3, "Body")] + message.findall(f"{{{M3}}}Attachment"):
            put("part.type", own(part, M1, "ContentType"))
            text = "".join("".join(own(part, M1, "Body").itertext()).split())
            said.append(("part.octets", base64.b64decode(text, validate=True)))
            put("part.checksum", own(part, M1, "Checksum"))
            put("part.name", own(part, M1, "Filename"))
    return said


FORMS = (("prefix-free", prefix_free), ("as sent", as_sent))


def in_any_form(element, name=None):
    """The root of the octets that were signed, and their form."""
    why = []
    for form, write in FORMS:
        try:
            return verify(write(element, name=name)), form
        except (Refused, AttributeError, ValueError, TypeError, etree.XMLSyntaxError) as refused:
            why.append(f"{form}: {refused}")
    raise Refused("; ".join(why))


def judge_both(sealed):
    outer, outer_form = in_any_form(sealed, f"{{{M3}}}SealedDelivery")
    inner, inner_form = in_any_form(only_signed(sealed))
    said = facts(inner)
    if facts(only_signed(outer)) != said:
        raise Refused("the levels say different things")
    seal = own(outer, M3, "Seal")
    day = "".join(own(seal, M1, "ReceivedTime").itertext()).strip(SPACE)[:10]
    says = "".join(own(seal, M1, "SignaturesOK").itertext()).strip(SPACE)
    if says not in ("true", "1"):
        raise Refused("the seal says no")
    return said + [("day", day.encode())], [inner_form, outer_form]


def only_signed(sealed):
    signed = elements(sealed)[:1]
    if not signed or signed[0].tag != f"{{{M3}}}SignedDelivery":
        raise Refused("no signed delivery")
    return signed[0]


def judge(octets):
    try:
        root = etree.fromstring(octets, PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        return {"taken": False, "why": f"xml: {error}"}
    if root.getroottree().docinfo.doctype:
        return {"taken": False, "why": "doctype"}
    try:
        sealed = locate(root)
        said, forms = judge_both(sealed)
    except Refused as refused:
        return {"taken": False, "why": str(refused)}
    except (AttributeError, ValueError, TypeError) as error:
        return {"taken": False, "why": f"cannot be read: {error}"}
    taken = {"taken": True, "forms": forms, "facts": [(k, v.hex()) for k, v in said]}
    if SCHEMA is not None:
        taken["valid"] = SCHEMA.validate(sealed.getparent())
    return taken


def main():
    stdin, stdout = sys.stdin.buffer, sys.stdout
    while length := stdin.read(4):
        octets = stdin.read(int.from_bytes(length, "big"))
        stdout.write(json.dumps(judge(octets)) + "\n")
        stdout.flush()


if __name__ == "__main__":
    main()
